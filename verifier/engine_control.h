#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/base/error.h"
#include "sync/base/units.h"
#include "verifier/matcher.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// A cut that could not be made, or whose hold has ended too early: it may be tried again.
class CutFailed : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

/// How long an engine was held.
struct HoldTimes {
  uint64_t count = 0;
  milliseconds longest{0};
  milliseconds total{0};
};

/// What an engine says of itself, as far as a cut needs it.
struct EngineStatus {
  std::string state;
  uint64_t hold_id = 0;
  milliseconds lease_left{0};    ///< of the hold
  bool held = false;             ///< also for another reason
  bool caught_up = false;        ///< nothing is left to apply, as far as the engine knows
  milliseconds expiry_grace{0};  ///< how much later the target's expiries are
  std::string expiry;            ///< "replica" or "exact"
  std::vector<std::string> targets;
  int64_t behind_bytes = 0;  ///< of the link that has most to apply, as far as the engine knows
  /// While held: keys that the target holds as they were later.
  std::set<std::pair<DbIndex, std::string>> ahead;
};

/// The control endpoint of a running `lockstep sync`.
class EngineControl {
 public:
  /// `address`: unix:/path, 127.0.0.1:PORT or http://127.0.0.1:PORT. `max_hold`: the engine goes on
  /// by itself then, also if this process is killed.
  EngineControl(const std::string& address, milliseconds max_hold);

  asio::awaitable<EngineStatus> status();
  /// Returns when nothing is in flight to the target. A hold of somebody else, or one of ours whose
  /// answer was lost, is waited for.
  asio::awaitable<void> hold();
  /// Applies each stream up to its offset exactly, by replid; those that are not named stay where
  /// they are.
  asio::awaitable<EngineStatus> advance(std::map<std::string, Offset> positions);
  milliseconds max_hold() const { return max_hold_; }
  /// Since the hold began.
  milliseconds held_for() const;
  /// Throws CutFailed if the hold has ended or is about to: what is written to the target in the
  /// last quarter of its time might come after the engine's next commands.
  asio::awaitable<void> require_time_left();
  /// Throws CutFailed if the hold had ended before: what was read meanwhile may be later than the
  /// cut.
  asio::awaitable<void> release();
  /// After a failure: whatever happens.
  asio::awaitable<void> give_up();
  const HoldTimes& times() const { return times_; }

 private:
  asio::awaitable<void> await_no_hold();
  asio::awaitable<EngineStatus> ask(std::string method, std::string target, std::string body);
  void note_end();

  std::string address_;
  milliseconds max_hold_;
  uint64_t hold_id_ = 0;
  std::chrono::steady_clock::time_point held_since_;
  HoldTimes times_;
};

/// Holds the engine while the task runs, and lets it go whatever happens. Throws CutFailed if the
/// hold could not be made or has ended before the task did, and what the task throws.
asio::awaitable<void> while_held(EngineControl& engine, asio::awaitable<void> task);

/// Throws UserError (bad_arguments) if the engine writes to servers that are not the target's, and
/// UserError if that cannot be told.
asio::awaitable<void> require_feeds(EngineControl& engine, const Side& target);

}  // namespace lockstep::verifier
