#pragma once

// A server for the tests of the wire modules, which stand below fixtures.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sync/base/error.h"
#include "sync/net/client.h"
#include "sync/net/test_support.h"

namespace lockstep::net {

/// One server process on a loopback address of this test's own, in a directory of its own; it ends
/// with the test. The program is $LOCKSTEP_TEST_SERVER, or redis-server.
class TestServer {
 public:
  using Args = std::vector<std::string>;

  explicit TestServer(Args extra = {}, std::string ready_url = "") : dir_(make_dir()) {
    static int servers = 0;
    // The process id keeps tests that run at the same time apart.
    address_ =
        "127.41." + std::to_string(getpid() / 250 % 250) + "." + std::to_string(getpid() % 250 + 1);
    port_ = static_cast<uint16_t>(6379 + servers++);
    Args args{program(), "--port", std::to_string(port_), "--bind",     address_, "--dir", dir_,
              "--save",  "",       "--logfile",           dir_ + "/log"};
    args.insert(args.end(), extra.begin(), extra.end());
    pid_ = start(args);
    wait_until_ready(ready_url.empty() ? endpoint() : parse_endpoint(ready_url));
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(dir_);
  }

  Endpoint endpoint() const { return parse_endpoint(address_ + ":" + std::to_string(port_)); }
  const std::string& address() const { return address_; }
  uint16_t port() const { return port_; }
  const std::string& dir() const { return dir_; }
  pid_t pid() const { return pid_; }

  /// As Client::server_version().
  uint32_t version() const { return run(ask_version(endpoint())); }
  /// A command on a connection of its own; error replies are thrown.
  resp::Value call(Args args) const { return run(call_once(endpoint(), std::move(args))); }

 private:
  static std::string program() {
    const char* const named = std::getenv("LOCKSTEP_TEST_SERVER");
    return named != nullptr ? named : "redis-server";
  }
  static std::string make_dir() {
    std::string name = (std::filesystem::temp_directory_path() / "lockstep-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return name;
  }
  static pid_t start(const Args& args) {
    std::vector<char*> argv;
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  static asio::awaitable<resp::Value> call_once(Endpoint endpoint, Args args) {
    const auto client = co_await Client::connect(std::move(endpoint));
    co_return co_await client->command_or_throw(std::move(args));
  }
  static asio::awaitable<uint32_t> ask_version(Endpoint endpoint) {
    const auto client = co_await Client::connect(std::move(endpoint));
    co_return co_await client->server_version();
  }
  static void wait_until_ready(const Endpoint& endpoint) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
      try {
        run(Client::connect(endpoint));
        return;
      } catch (const ConnectionError&) {
        if (std::chrono::steady_clock::now() > end) throw;
      } catch (const UserError&) {
        return;  // it answers, if only to say that it wants a password
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::string dir_;
  std::string address_;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace lockstep::net
