#pragma once

// For tests: an engine in this process, between servers of the fixtures.

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <string>

#include "fixtures/deployment.h"
#include "fixtures/run_files.h"
#include "sync/engine/engine.h"
#include "sync/net/client.h"

namespace lockstep::engine {

/// "SET k v" as a request, cut at the spaces; in a word ~ stands for a space and ^ for a line end.
std::vector<std::string> words(const std::string& text);
/// One request; the reply of any kind.
asio::awaitable<resp::Value> say(net::Endpoint server, std::string request);
/// Several, one a line, in one piece, so that they stand side by side in the stream.
asio::awaitable<void> say_together(net::Endpoint server, std::string requests);

/// Runs a script without end: everybody gets BUSY from the server until SCRIPT KILL, or until the
/// client is gone. The server must be set to say so soon (busy-reply-threshold, lua-time-limit).
asio::awaitable<std::unique_ptr<net::Client>> make_busy(net::Endpoint server);

/// A server's data, functions included, in a form that can be compared.
asio::awaitable<std::string> digest(net::Endpoint server);

class RunningEngine {
 public:
  RunningEngine(asio::any_io_executor executor, SyncOptions options);
  /// Returns when it is synchronising.
  asio::awaitable<void> await_streaming();
  /// Returns when what the source has now is applied.
  asio::awaitable<void> await_applied(net::Endpoint source);
  /// Returns when run() has ended, and says why it failed (empty: it did not).
  asio::awaitable<std::string> await_end();
  /// stop() and await_end().
  asio::awaitable<std::string> stop();
  Engine& engine() { return engine_; }
  bool ended() const { return ended_; }

 private:
  Engine engine_;
  bool ended_ = false;
  std::string failure_;
};

/// Servers of a test, and the folder that they live in.
class Servers {
 public:
  /// `config`: "name value" lines for the configuration file.
  asio::awaitable<std::unique_ptr<fixtures::Deployment>> start(std::string name, size_t primaries,
                                                               std::string config);
  /// The same of another version, `replicas` for each primary.
  asio::awaitable<std::unique_ptr<fixtures::Deployment>> start_version(fixtures::ServerSpec spec,
                                                                       std::string name,
                                                                       size_t primaries,
                                                                       size_t replicas,
                                                                       std::string config);
  std::string next_address() { return addresses_.next(); }

 private:
  fixtures::TemporaryDirectory directory_;
  fixtures::AddressPlan addresses_;
};

class EngineTest : public testing::Test {
 protected:
  /// Runs the body of a test to its end. If it throws, that is a failure. Everything ends before
  /// the io_context does.
  void run(asio::awaitable<void> body);
  /// Ends what a derived class has besides.
  virtual void clean_up() {}

  Servers servers_;
  std::unique_ptr<fixtures::Deployment> source_, target_;
  std::unique_ptr<RunningEngine> running_;

 private:
  asio::awaitable<void> end_behind(asio::awaitable<void> body);
};

SyncOptions options_for(const std::string& from, const std::string& to);

}  // namespace lockstep::engine
