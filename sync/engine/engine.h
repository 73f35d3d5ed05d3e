#pragma once

#include <map>
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
  /// The same, at most for `lease`: then the engine goes on by itself, whatever has become of who
  /// asked. Gives the hold's id. Throws UserError if somebody holds it already, or the full copy is
  /// not done.
  asio::awaitable<uint64_t> hold_for(std::chrono::milliseconds lease);
  /// Applies each stream up to the offset given for its replid exactly, and holds there. Throws
  /// UserError if that cannot be, or if the hold `id` has ended meanwhile.
  asio::awaitable<void> advance(uint64_t id, std::map<std::string, Offset> positions);
  void release();
  /// Throws UserError if that hold has ended before: what was seen after its end is worth nothing.
  void release(uint64_t id);
  /// Catches up, writes exact expiries, ends: state `finished`. Throws UserError where that cannot
  /// be: the engine goes on following, and may be asked again.
  asio::awaitable<void> finalize();
  /// Ends without finalizing; what was received is applied first, within a bound.
  void stop(const std::string& why);

 private:
  void begin_lease(std::chrono::milliseconds lease);
  void require_hold(uint64_t id) const;
  void require_known(const std::map<std::string, Offset>& positions) const;
  void report_hold(Status& status) const;
  void end_hold(bool expired);
  asio::awaitable<void> prepare();
  asio::awaitable<void> follow();
  asio::awaitable<void> watch();
  asio::awaitable<void> try_finalize();
  asio::awaitable<void> watch_offsets();
  std::vector<UnsupportedList::Part> unsupported() const;
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
  std::string finalize_trouble_;  ///< why the last finalize was not possible
  bool closed_ = false;
  bool closed_by_stop_ = false;
  UnsupportedList unsupported_list_;
  HoldStatus hold_;
  uint64_t last_hold_ = 0;
  std::chrono::steady_clock::time_point held_since_;
  asio::steady_timer lease_;
  Wake wake_;
  Sleeper watch_pause_;
};

}  // namespace lockstep::engine
