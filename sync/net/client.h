#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "sync/net/stream.h"
#include "sync/resp/parser.h"
#include "sync/resp/value.h"

namespace lockstep::net {

struct ClientOptions {
  milliseconds connect_timeout{5000};
  milliseconds reply_timeout{15000};  ///< for one reply (or one whole pipeline's next reply)
  /// CLIENT SETNAME, best effort. Lives for ever; not a std::string, because GCC 12 destroys the
  /// members of a coroutine's default arguments twice.
  const char* name = "lockstep";
};

/// A logged-in request/reply connection: for prechecks, topology, fences, the verifier, fixtures.
/// The engine's data path uses Stream directly. Not thread-safe; one coroutine at a time.
class Client {
 public:
  /// Connects, AUTH (a refusal is a UserError that names the user and the endpoint; a password that
  /// the server does not ask for is no error), PING. UserError too if the server wants a password,
  /// or if what answers is not a Redis server or is one behind TLS.
  /// (An overload and no default argument: GCC 12 destroys those twice inside a co_await
  /// expression.)
  static asio::awaitable<std::unique_ptr<Client>> connect(Endpoint endpoint, ClientOptions options);
  static asio::awaitable<std::unique_ptr<Client>> connect(Endpoint endpoint) {
    return connect(std::move(endpoint), ClientOptions());
  }

  /// One request, its reply (errors are values). Throws ConnectionError on a broken link or
  /// timeout.
  asio::awaitable<resp::Value> command(std::vector<std::string> args);
  /// The same, and an error reply is thrown as UserError "endpoint: COMMAND …: message".
  asio::awaitable<resp::Value> command_or_throw(std::vector<std::string> args);
  /// Replies in order; errors are values. Throws like command().
  /// Sends `requests` (already encoded) while reading `reply_count` replies: never deadlocks on
  /// large pipelines.
  asio::awaitable<std::vector<resp::Value>> pipeline(std::string requests, size_t reply_count);

  /// One more reply that the server sends on its own or later (pub/sub, MONITOR). Waits for
  /// `limit`.
  asio::awaitable<resp::Value> read_reply(milliseconds limit);

  /// 70015 for Redis 7.0.15, from INFO (Valkey and others: the Redis version that they name); 0 if
  /// the server does not say. Asked once.
  asio::awaitable<uint32_t> server_version();

  const Endpoint& endpoint() const;
  Stream& stream();
  void close();
  ~Client();

 private:
  Client();
  asio::awaitable<void> log_in();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep::net
