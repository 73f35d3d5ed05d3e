#include "sync/commands/test_server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace lockstep::commands {
namespace {

std::string make_directory() {
  std::string path = std::filesystem::temp_directory_path() / "lockstep-commands-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
  return path;
}

[[noreturn]] void become_server(const std::string& binary, const std::string& directory,
                                bool allow_debug) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = open((directory + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  const std::string socket = directory + "/socket";
  std::vector<const char*> args = {binary.c_str(),   "--port", "0", "--unixsocket",
                                   socket.c_str(),   "--save", "",  "--dir",
                                   directory.c_str()};
  if (allow_debug) args.insert(args.end(), {"--enable-debug-command", "yes"});
  args.push_back(nullptr);
  execvp(binary.c_str(), const_cast<char* const*>(args.data()));
  _exit(127);
}

std::string encode(const std::vector<std::string>& args) {
  std::string wire = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& arg : args) {
    wire.append("$").append(std::to_string(arg.size())).append("\r\n").append(arg).append("\r\n");
  }
  return wire;
}

std::string field(const std::string& info, const std::string& name) {
  const size_t at = info.find(name + ":");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 1;
  return info.substr(begin, info.find('\r', begin) - begin);
}

}  // namespace

TestServer::TestServer(const std::string& binary) : directory_(make_directory()) {
  // Before 7.0 the option that allows DEBUG does not exist, and the server refuses to start with
  // it.
  for (const bool allow_debug : {true, false}) {
    start(binary, allow_debug);
    if (wait_until_ready()) {
      name_ = find_name();
      return;
    }
    stop();
  }
  std::filesystem::remove_all(directory_);
  throw std::runtime_error(binary + " does not start");
}

TestServer::~TestServer() {
  stop();
  std::filesystem::remove_all(directory_);
}

void TestServer::start(const std::string& binary, bool allow_debug) {
  process_ = fork();
  if (process_ == 0) become_server(binary, directory_, allow_debug);
}

void TestServer::stop() {
  if (socket_ >= 0) close(socket_);
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  socket_ = process_ = -1;
}

bool TestServer::connect() {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  (directory_ + "/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return true;
  close(socket_);
  socket_ = -1;
  return false;
}

bool TestServer::wait_until_ready() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    if (connect()) return true;
    if (waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = -1;
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::string TestServer::find_name() {
  const std::string info = call({"INFO", "server"}).text;
  const std::string valkey = field(info, "valkey_version");
  return valkey.empty() ? "redis " + field(info, "redis_version") : "valkey " + valkey;
}

void TestServer::send(const std::string& requests) {
  for (size_t sent = 0; sent < requests.size();) {
    const ssize_t count =
        ::send(socket_, requests.data() + sent, requests.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) throw std::runtime_error(name_ + " closed the connection; it may have crashed");
    sent += static_cast<size_t>(count);
  }
}

resp::Value TestServer::receive() {
  resp::Parser parser;
  for (;;) {
    if (const auto length = parser.parse(Bytes(input_).substr(consumed_))) {
      consumed_ += *length;
      return parser.value();
    }
    char chunk[16384];
    const ssize_t count = recv(socket_, chunk, sizeof chunk, 0);
    if (count <= 0) throw std::runtime_error(name_ + " does not answer; it may have crashed");
    input_.erase(0, consumed_).append(chunk, static_cast<size_t>(count));
    consumed_ = 0;
  }
}

resp::Value TestServer::call(const std::vector<std::string>& args) {
  send(encode(args));
  return receive();
}

std::vector<resp::Value> TestServer::pipeline(const std::string& requests, size_t reply_count) {
  send(requests);
  std::vector<resp::Value> replies;
  for (size_t i = 0; i < reply_count; ++i) replies.push_back(receive());
  return replies;
}

void for_each_server(const std::function<void(TestServer&)>& body) {
  const char* list = std::getenv("LOCKSTEP_TEST_SERVERS");
  std::istringstream binaries(list == nullptr ? "redis-server" : list);
  for (std::string binary; std::getline(binaries, binary, ':');) {
    TestServer server(binary);
    body(server);
  }
}

}  // namespace lockstep::commands
