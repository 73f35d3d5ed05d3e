#include "sync/rdb/test_real_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "sync/resp/encoder.h"
#include "sync/resp/parser.h"

namespace lockstep::rdb {
namespace {

using namespace std::chrono_literals;
constexpr auto start_timeout = 20s;

[[noreturn]] void become(const std::string& binary, const std::filesystem::path& directory,
                         std::vector<std::string> arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = ::open((directory / "log").c_str(), O_CREAT | O_WRONLY, 0600);
  ::dup2(log, 1);
  ::dup2(log, 2);
  std::vector<std::string> all = {
      binary,    "--port", "0", "--unixsocket", directory / "socket", "--dir",
      directory, "--save", ""};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

std::filesystem::path make_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "lockstep-rdb-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
  return name;
}

}  // namespace

RealServer::RealServer(const std::string& binary, std::vector<std::string> arguments)
    : directory_(make_directory()), pid_(::fork()) {
  if (pid_ == 0) become(binary, directory_, std::move(arguments));
  connect();
}

RealServer::~RealServer() {
  if (socket_ >= 0) ::close(socket_);
  if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  std::filesystem::remove_all(directory_);
}

void RealServer::connect() {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (directory_ / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
  for (const auto until = std::chrono::steady_clock::now() + start_timeout;;) {
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return;
    ::close(socket_);
    socket_ = -1;
    if (std::chrono::steady_clock::now() > until || ::waitpid(pid_, nullptr, WNOHANG) != 0)
      throw std::runtime_error("the server did not start, see " + directory_.string());
    std::this_thread::sleep_for(2ms);
  }
}

resp::Value RealServer::operator()(std::span<const Bytes> args) {
  std::string request;
  resp::append_command(request, args);
  return raw(request);
}

resp::Value RealServer::raw(Bytes request) {
  for (; !request.empty();) {
    const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("the server is gone");
    request.remove_prefix(static_cast<size_t>(sent));
  }
  resp::Parser parser;
  received_.clear();
  for (char chunk[65536];;) {
    const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
    if (got <= 0) throw std::runtime_error("the server is gone");
    received_.append(chunk, static_cast<size_t>(got));
    if (parser.parse(received_)) return parser.value();
  }
}

resp::Value RealServer::expect(std::initializer_list<Bytes> args) {
  resp::Value reply = (*this)(args);
  if (reply.is_error()) throw std::runtime_error(std::string(*args.begin()) + ": " + reply.text);
  return reply;
}

std::vector<std::string> server_binaries() {
  std::vector<std::string> found;
  for (const char* name : {"/usr/bin/redis-server", "/usr/bin/valkey-server"})
    if (std::filesystem::exists(name)) found.emplace_back(name);
  if (const char* more = std::getenv("LOCKSTEP_TEST_SERVERS")) {
    std::istringstream paths(more);
    for (std::string path; std::getline(paths, path, ':');) found.push_back(path);
  }
  return found;
}

}  // namespace lockstep::rdb
