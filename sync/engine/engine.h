#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sync/engine/options.h"
#include "sync/engine/pipeline.h"
#include "sync/engine/status.h"

namespace lockstep::engine {

/// `lockstep sync`: one pipeline per target, the state a user sees, and the orders that the control
/// endpoint gives. One thread, one io_context.
class Engine {
 public:
  Engine(asio::any_io_executor executor, SyncOptions options);

  /// Prechecks, copies, follows, until finished or told to stop. Throws UserError on failure (state
  /// `failed`).
  asio::awaitable<void> run();

  Status status() const;
  asio::any_io_executor executor() { return executor_; }
  /// Holds the target still at a command boundary; returns when nothing is in flight.
  asio::awaitable<void> hold();
  void release();
  /// Catches up, writes exact expiries, ends: state `finished`.
  asio::awaitable<void> finalize();
  /// Ends without finalizing; what was received is applied first, within a bound.
  void stop(const std::string& why);

 private:
  asio::awaitable<void> prepare();
  asio::awaitable<void> follow();
  asio::awaitable<void> watch();
  asio::awaitable<void> watch_offsets();
  asio::awaitable<void> await_streaming();
  void close();
  bool caught_up(const Status& status) const;

  asio::any_io_executor executor_;
  SyncOptions options_;
  std::vector<std::unique_ptr<Pipeline>> pipelines_;
  State state_ = State::initialising;
  std::string error_;
  int64_t started_ms_;
  bool stopping_ = false;
  bool finalizing_ = false;
  bool closed_ = false;
  bool closed_by_stop_ = false;
  Wake wake_;
  Sleeper watch_pause_;
};

}  // namespace lockstep::engine
