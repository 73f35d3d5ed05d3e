#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <vector>

#include "verifier/compare.h"
#include "verifier/difference_log.h"
#include "verifier/engine_control.h"
#include "verifier/key_reader.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

using Clock = std::chrono::steady_clock;

/// What a report says of a key that differs.
Difference describe(const Side& source_side, const Side& target_side, const Candidate& key,
                    const Reading& source, const Reading& target, const Comparison& comparison);
/// False where the source does not tell its replicas how far a group has read: see Tolerance.
bool replicates_entries_read(const Side& source);

/// Since when nothing has been written on either side, as far as each look tells.
class QuietWatch {
 public:
  /// `engine`: that feeds the target; nullptr: none is known. Nothing is quiet while it is held or
  /// has something to apply.
  QuietWatch(Side& source, Side& target, EngineControl* engine)
      : source_(source), target_(target), engine_(engine) {}
  /// Also if it does not answer: then it applies nothing.
  asio::awaitable<bool> engine_idle();
  /// At most so long.
  asio::awaitable<void> await_engine(milliseconds limit);
  /// Asks both sides. True if nothing was written since the last look.
  asio::awaitable<bool> look();
  /// The same after snapshots have been taken: saves that no write came after count as nothing,
  /// since it is the snapshots that are compared.
  asio::awaitable<bool> look_after_snapshots();
  /// True if the last look and those before it saw no write for so long.
  bool quiet_for(milliseconds time) const { return Clock::now() - since_ >= time; }
  /// What the last look saw; another process goes on from there.
  const std::string& last() const { return last_; }
  void resume(std::string last, bool quiet) {
    last_ = std::move(last);
    since_ = Clock::now();
    looks_ = 1;
    changes_ = quiet ? 0 : 1;
  }
  bool always_quiet() const { return looks_ > 0 && changes_ == 0; }

 private:
  using Activity = std::array<std::vector<NodeActivity>, 2>;  ///< by side

  asio::awaitable<Activity> ask();
  bool only_saved(const Activity& now, const Side& side) const;
  void take(Activity now, bool same, Clock::time_point asked);

  Side& source_;
  Side& target_;
  EngineControl* engine_;
  Activity seen_;
  std::string last_;
  Clock::time_point since_;
  uint64_t looks_ = 0;
  uint64_t changes_ = 0;
};

/// Reads candidates again until each has agreed, is a confirmed difference, or the bound is over.
///
/// A difference is confirmed at once when nothing at all has been written on either side for
/// `confirm_quiet`: reading twice could not show anything else. Under writes it is confirmed if
/// both values stayed the same until the bound. A key whose values changed and
/// never agreed is flapping; it agrees as soon as the target holds what the source was seen to
/// hold, since a target that follows is allowed to be behind.
class Settle {
 public:
  Settle(Side& source, Side& target, QuietWatch& quiet, const VerifyOptions& options,
         VerifyReport& report, DifferenceLog& log);
  asio::awaitable<void> run(std::vector<Candidate> candidates);
  size_t pending() const { return pending_.size(); }

 private:
  struct Seen {
    uint64_t digest = 0;
    std::optional<ExpireAt> expire_at;
    bool operator==(const Seen&) const = default;
  };
  struct Pending {
    Candidate key;
    std::vector<Seen> source_seen;  ///< each once or more, first to last
    Seen target_seen;
    bool changed = false;
  };
  using Batch = std::vector<Pending>;

  asio::awaitable<void> round(bool last);
  asio::awaitable<Batch> settle_batch(Batch batch, bool last);
  asio::awaitable<void> settle_group(Batch group, bool last, Batch& left);
  /// What is dealt with is taken out of the group: all of it, or nothing if it throws.
  asio::awaitable<void> settle_readable(Batch& group, bool last, Batch& left);
  asio::awaitable<void> settle_big(Pending pending, uint64_t bytes, bool last, Batch& left);
  /// Keys of a slot that is half moved are waited for, and at last they are unverifiable.
  void put_off(Batch& group, const SlotOnTheMove& moving, bool last, Batch& left);
  bool settled(Pending& pending, const Reading& source, const Reading& target,
               const Comparison& comparison, bool quiet, bool last);
  bool follows(Pending& pending, const Seen& source, const Seen& target) const;
  void report_pending(const Pending& pending, Difference difference, bool quiet);

  Side& source_;
  Side& target_;
  QuietWatch& quiet_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  DifferenceLog& log_;
  Tolerance tolerance_;
  Batch pending_;
};

}  // namespace lockstep::verifier
