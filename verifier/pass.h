#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "verifier/compare.h"
#include "verifier/matcher.h"
#include "verifier/readers.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// Reads both sides once, all nodes at the same time, into a matcher.
class Pass {
 public:
  Pass(Side& source, Side& target, const Scope& scope, Matcher& matcher)
      : source_(source), target_(target), scope_(scope), matcher_(matcher) {}

  /// Returns what was used. `automatic` scans where a server does not allow PSYNC, and `note` says
  /// why.
  asio::awaitable<ReadMode> run(ReadMode mode, std::string& note);
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
  asio::awaitable<void> read_both(ReadMode mode);
  asio::awaitable<void> read_side(Side& side, ReadMode mode);
  void add(Side& side, const Candidate& key, const Reading& reading);
  asio::awaitable<void> read_node(Side& side, size_t node, ReadMode mode);

  Side& source_;
  Side& target_;
  const Scope& scope_;
  Matcher& matcher_;
  ReadCounters counters_[2];
  std::vector<ScanPosition> positions_[2];
  std::function<void()> on_page_ = [] {};
};

}  // namespace lockstep::verifier
