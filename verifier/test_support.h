#pragma once

// For this folder's system tests: two deployments of real servers, asked with blocking calls.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fixtures/deployment.h"
#include "fixtures/run_files.h"
#include "sync/net/client.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

namespace asio = boost::asio;
using Words = std::vector<std::string>;

/// Starts what a test needs; it is gone when the test ends. LOCKSTEP_TEST_SOURCE and
/// LOCKSTEP_TEST_TARGET name other servers of the catalogue.
class TwoSides : public testing::Test {
 protected:
  void start(fixtures::Topology source, fixtures::Topology target);
  void start() { start(fixtures::Topology::standalone, fixtures::Topology::standalone); }

  /// Runs a coroutine to its end while the servers are looked after.
  void await(asio::awaitable<void> task);
  /// A request that must not fail.
  resp::Value ask(const net::Endpoint& endpoint, const Words& words);
  /// Its reply, also an error.
  resp::Value try_ask(const net::Endpoint& endpoint, const Words& words);
  /// Asks until the reply is `wanted`. Throws UserError if it is not within a minute.
  void ask_until(const net::Endpoint& endpoint, const Words& words,
                 const std::function<bool(const resp::Value&)>& wanted);
  void await_key(const net::Endpoint& endpoint, const std::string& key);
  net::Endpoint source() const { return source_->client_endpoint(); }
  net::Endpoint target() const { return target_->client_endpoint(); }
  void on_source(const Words& words) { ask(source(), words); }
  void on_target(const Words& words) { ask(target(), words); }
  void on_both(const Words& words) { on_source(words), on_target(words); }
  /// At the node that serves `key`.
  net::Endpoint owner(const fixtures::Deployment& deployment, const std::string& key);
  /// Moves the slot of `name` with its keys to another primary of the cluster. Without `finish` it
  /// stays half moved: its keys are there, and its owner sends on whoever asks for them.
  void move_slot(const fixtures::Deployment& side, const std::string& name, bool finish);
  /// To the node that has its keys by now.
  void finish_move(const fixtures::Deployment& side, const std::string& name);
  /// Makes the target (standalone) hold exactly what the source (standalone) holds.
  void copy();

  /// Runs a program to its end, at most a minute; returns its exit status. output() is what it
  /// said, on both channels.
  int run_program(const std::string& program, const Words& arguments);
  /// The program under test.
  int lockstep(const Words& arguments);
  std::string output() const { return fixtures::read_text(directory_.path() / "output"); }
  static std::string url(const net::Endpoint& endpoint) { return "redis://" + endpoint.label(); }

  /// Both sides, quickly confirmed.
  VerifyOptions options() const;
  VerifyReport check() const { return verify(options()); }
  VerifyReport check(ReadMode mode) const;

  size_t source_replicas_ = 0;  ///< of each primary of the source
  size_t target_replicas_ = 0;

  asio::io_context io_;
  fixtures::TemporaryDirectory directory_;
  fixtures::AddressPlan addresses_;
  std::unique_ptr<fixtures::Deployment> source_;
  std::unique_ptr<fixtures::Deployment> target_;

 private:
  void give_slot(const fixtures::Deployment& side, const std::string& slot,
                 const std::string& node_id);
  asio::awaitable<void> run_child(std::string program, Words arguments, int& status);
  asio::awaitable<void> exchange(net::Endpoint endpoint, Words words, resp::Value& reply);
  asio::awaitable<void> start_both(fixtures::Topology source, fixtures::Topology target);
  std::map<std::string, std::unique_ptr<net::Client>> clients_;
};

/// "missing a, value k": what a report found, sorted, for a readable assertion.
std::string found(const VerifyReport& report);

/// Writes from a thread of its own, over a connection to each endpoint, until it goes: the n-th
/// round sends what `requests` gives for it.
class Writer {
 public:
  struct Request {
    size_t endpoint = 0;
    Words words;
  };
  Writer(std::vector<net::Endpoint> endpoints, std::function<std::vector<Request>(int)> requests);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

 private:
  asio::awaitable<void> run();

  std::vector<net::Endpoint> endpoints_;
  std::function<std::vector<Request>(int)> requests_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace lockstep::verifier
