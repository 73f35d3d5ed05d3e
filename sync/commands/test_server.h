#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sync/resp/parser.h"
#include "sync/resp/value.h"

namespace lockstep::commands {

/// A real server for the time of a test, without persistence, on a Unix socket in a directory of
/// its own. It dies with the test program, however that ends.
class TestServer {
 public:
  /// Starts `binary` and waits until it answers. Throws std::runtime_error if it does not.
  explicit TestServer(const std::string& binary);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  /// "redis 7.0.15", "valkey 9.0.0".
  const std::string& name() const { return name_; }
  /// One request, its reply; errors are values. Throws if the connection ends or nothing comes for
  /// 10 s.
  resp::Value call(const std::vector<std::string>& args);
  /// The replies to requests that are encoded already.
  std::vector<resp::Value> pipeline(const std::string& requests, size_t reply_count);

 private:
  void start(const std::string& binary, bool allow_debug);
  bool connect();
  bool wait_until_ready();
  void stop();
  void send(const std::string& requests);
  resp::Value receive();
  std::string find_name();

  std::string directory_;
  std::string name_;
  int process_ = -1;
  int socket_ = -1;
  std::string input_;
  size_t consumed_ = 0;
};

/// Runs `body` with each server that is there: the programs named in LOCKSTEP_TEST_SERVERS,
/// separated by colons, or redis-server as the system has it.
void for_each_server(const std::function<void(TestServer&)>& body);

}  // namespace lockstep::commands
