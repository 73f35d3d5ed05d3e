#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "verifier/compare.h"
#include "verifier/engine_control.h"
#include "verifier/matcher.h"
#include "verifier/readers.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// Where both sides were read, and what does not belong there.
struct PositionCut {
  std::array<std::vector<NodePosition>, 2> positions;  ///< by side
  std::array<int64_t, 2> now_ms{};                     ///< each side's clock then
  /// Keys that the engine had brought further than the cut: the target's are later.
  std::set<std::pair<DbIndex, std::string>> ahead;
};

/// Reads both sides once, all nodes at the same time, into a matcher.
class Pass {
 public:
  /// `transfer`: of snapshots that are not taken at a position.
  Pass(Side& source, Side& target, const Scope& scope, Transfer transfer, Matcher& matcher)
      : source_(source), target_(target), scope_(scope), transfer_(transfer), matcher_(matcher) {}

  /// What was read before is forgotten.
  void forget();
  /// Returns what was used. `automatic` scans where a server does not allow PSYNC, and `note` says
  /// why.
  asio::awaitable<ReadMode> run(ReadMode mode, std::string& note);
  /// Snapshots of both sides at one position: the engine is held, the source's snapshots fix an
  /// offset each, the engine advances to exactly these, the target's snapshots are fixed, the
  /// engine goes on, the snapshots are read. `transfer`: not automatic. What was read before
  /// is forgotten. Throws CutFailed, ConnectionError, SnapshotRefused.
  asio::awaitable<PositionCut> run_at_position(EngineControl& engine, Transfer transfer);
  /// To be called when all has been read (run() does it): keys of slots that are on the move are
  /// added by their names. Throws ConnectionError if slots have changed hands meanwhile.
  asio::awaitable<void> account_for_moves();
  /// Only the keys that a file names.
  asio::awaitable<void> run_listed(std::string path);
  // For a state file.
  void on_page(std::function<void()> done) { on_page_ = std::move(done); }
  void resume(SideName side, const ReadCounters& counters, std::vector<ScanPosition> positions);
  const std::vector<ScanPosition>& positions(SideName side) const {
    return positions_[static_cast<size_t>(side)];
  }

  const ReadCounters& counters(SideName side) const { return counters_[static_cast<size_t>(side)]; }

 private:
  using Snapshots = std::vector<Snapshot>;  ///< by node; those of nodes out of scope are empty

  asio::awaitable<void> read_both(ReadMode mode);
  asio::awaitable<void> add_slot(Side& side, Slot slot);
  asio::awaitable<void> add_names(Side& side, size_t node, Slot slot);
  asio::awaitable<void> read_side(Side& side, ReadMode mode);
  asio::awaitable<void> fix(EngineControl& engine, Transfer transfer, PositionCut& cut,
                            std::array<Snapshots, 2>& snapshots);
  asio::awaitable<void> attach_all(Side& side, Transfer transfer, Snapshots& snapshots);
  asio::awaitable<void> read_attached(Side& side, size_t node, Snapshot snapshot);
  bool in_scope(const Side& side, size_t node) const;
  asio::awaitable<void> read_listed(std::vector<Candidate> keys);
  void add_names(Side& side, Slot slot, std::vector<Candidate>& keys);
  void add(Side& side, const Candidate& key, const Reading& reading);
  asio::awaitable<void> read_node(Side& side, size_t node, ReadMode mode);

  Side& source_;
  Side& target_;
  const Scope& scope_;
  Transfer transfer_;
  Matcher& matcher_;
  ReadCounters counters_[2];
  std::vector<ScanPosition> positions_[2];
  std::function<void()> on_page_ = [] {};
};

}  // namespace lockstep::verifier
