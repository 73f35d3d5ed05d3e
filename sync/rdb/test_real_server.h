#pragma once

#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "sync/resp/value.h"

namespace lockstep::rdb {

/// For this folder's tests: one server on a Unix socket in a directory of its own, asked with a
/// blocking call. It ends with this object, and with this process whatever happens.
class RealServer {
 public:
  RealServer(const std::string& binary, std::vector<std::string> arguments = {});
  ~RealServer();
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;

  resp::Value operator()(std::span<const Bytes> args);
  resp::Value operator()(std::initializer_list<Bytes> args) {
    return (*this)(std::span<const Bytes>(args.begin(), args.size()));
  }
  /// Sends a request as it stands and returns its reply.
  resp::Value raw(Bytes request);
  /// A request that must not fail: throws with the error.
  resp::Value expect(std::initializer_list<Bytes> args);
  std::filesystem::path directory() const { return directory_; }

 private:
  void connect();

  std::filesystem::path directory_;
  int pid_ = -1;
  int socket_ = -1;
  std::string received_;
};

/// redis-server and valkey-server of the PATH, and those that LOCKSTEP_TEST_SERVERS names (paths
/// with colons between).
std::vector<std::string> server_binaries();

}  // namespace lockstep::rdb
