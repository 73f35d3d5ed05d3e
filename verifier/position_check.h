#pragma once

#include <boost/asio/awaitable.hpp>
#include <deque>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "verifier/big_held.h"
#include "verifier/cut_state.h"
#include "verifier/difference_log.h"
#include "verifier/held_reader.h"
#include "verifier/pass.h"
#include "verifier/settle.h"

namespace lockstep::verifier {

/// A check at positions of the source while writes go on, with the engine held for moments.
///
/// Both sides are read at one cut. A key that differs there and is still as it was is compared at
/// once; one that has changed since is read at a later position, again with the engine held. If it
/// agrees then, what was kept of it tells whether it had really been different at the cut.
class PositionCheck {
 public:
  /// All outlive it.
  PositionCheck(Side& source, Side& target, Pass& pass, const VerifyOptions& options,
                VerifyReport& report, DifferenceLog& log);

  /// Throws CutFailed if no cut could be made in several attempts, SnapshotRefused.
  asio::awaitable<void> read();
  /// Throws CutFailed if the engine cannot be held any more; take_left() then gives what is still
  /// to be told.
  asio::awaitable<void> settle(std::vector<Candidate> candidates);
  std::vector<Candidate> take_left();
  /// In place of read() and settle(), without snapshots: finds the keys by SCAN, the source's and
  /// what only the target has, and compares each at a position of its own. What a node does not
  /// serve goes to the matcher. Throws CutFailed, ConnectionError (it may begin anew; what has been
  /// told is not told twice), UserError.
  asio::awaitable<void> scan(const Scope& scope, Matcher& matcher);
  /// The same for the keys that a file names.
  asio::awaitable<void> compare_listed(const Scope& scope);
  /// At a position of their own. Returns why that could not be; empty: it is done.
  asio::awaitable<std::string> compare_functions();
  /// By those two.
  uint64_t compared() const { return compared_; }
  const ReadCounters& counters(SideName side) const { return counters_[static_cast<size_t>(side)]; }
  size_t pending() const { return pending_.size(); }
  /// Writes what was measured into the report.
  void report_holds();

 private:
  struct Pending {
    Candidate key;
    std::optional<Clock::time_point> ahead_since;
    int changed = 0;   ///< so often it was written while it was read
    int too_long = 0;  ///< so often a hold was over before it had been read
  };
  /// Between two holds, so that the engine gets on.
  static constexpr milliseconds hold_pause{20};

  Transfer transfer_of(int attempt) const;
  asio::awaitable<void> await_caught_up();
  asio::awaitable<void> try_to_read(bool again, Transfer transfer);
  asio::awaitable<void> refresh();
  asio::awaitable<void> scan_node(Side& side, size_t node, const Scope& scope, Matcher& matcher);
  asio::awaitable<void> compare_chunk(const Side& side, std::vector<Candidate> keys);
  bool told_before(const Candidate& key);
  bool on_the_move(Bytes key) const;
  bool in_type(const Comparison& comparison) const;
  void count(const Reading& source, const Reading& target);
  size_t batch_keys_max() const;
  static size_t fitting(const std::vector<uint64_t>& sizes);
  asio::awaitable<void> settle_unchanged();
  asio::awaitable<void> settle_batch(std::vector<Pending> batch, std::deque<Pending>& left);
  bool settled_at_cut(const Candidate& key, Reading source, Reading target);
  asio::awaitable<void> hold_once();
  asio::awaitable<void> settle_big(uint64_t bytes);
  asio::awaitable<BigAtPosition> read_big(uint64_t bytes);
  /// Keys of a slot that is half moved come last; once it has stayed so for `--settle`, they are
  /// unverifiable.
  void put_off_slot(Slot slot, const std::string& why);
  void give_up_slot(Slot slot, const std::string& why);
  void take(Pending pending, HeldPair pair);
  /// Both sides have been read at one position.
  void conclude(const Candidate& key, const Reading& source, const Reading& target,
                const Comparison& comparison);
  void take_ahead(Pending pending, const Reading& source, const Reading& target,
                  const Comparison& comparison);
  void slow_down(size_t read, const std::vector<HeldPair>& pairs);
  /// False: the values are equal now.
  bool tell(const Candidate& key, const Reading& source, const Reading& target,
            const Comparison& comparison);
  void tell_of_cut(const Candidate& key, const Comparison& now);
  bool known_at_cut(const Candidate& key) const;

  Side& source_;
  Side& target_;
  Pass& pass_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  DifferenceLog& log_;
  EngineControl engine_;
  HeldReader reader_;
  Tolerance tolerance_;
  std::optional<PositionCut> cut_;  ///< none: the check was continued, its cut is not known
  std::deque<Pending> pending_;
  size_t batch_keys_;
  std::map<uint16_t, Clock::time_point> half_moved_;  ///< by slot, since when it has been met so
  bool by_chunks_ = false;                            ///< no snapshots are taken
  bool scanning_ = false;                             ///< all keys are read in holds
  std::string only_type_;
  uint64_t compared_ = 0;
  std::array<ReadCounters, 2> counters_{};
  std::unordered_set<uint64_t> told_;  ///< hashes of keys, where no snapshots are taken
};

/// Asks the engine of `options` for its mode, and takes its expiry grace where none was given. An
/// engine that does not answer is an error with CutMode::position, else a note.
void learn_engine(VerifyOptions& options, VerifyReport& report);

}  // namespace lockstep::verifier
