#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "verifier/matcher.h"
#include "verifier/readers.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// Reads both sides once, all nodes at the same time, into a matcher.
class Pass {
 public:
  Pass(Side& source, Side& target, Matcher& matcher)
      : source_(source), target_(target), matcher_(matcher) {}

  /// Returns what was used. `automatic` scans where a server does not allow PSYNC, and `note` says
  /// why.
  asio::awaitable<ReadMode> run(ReadMode mode, std::string& note);
  const ReadCounters& counters(SideName side) const { return counters_[static_cast<size_t>(side)]; }

 private:
  asio::awaitable<void> read_both(ReadMode mode);
  asio::awaitable<void> read_node(Side& side, size_t node, ReadMode mode);

  Side& source_;
  Side& target_;
  Matcher& matcher_;
  ReadCounters counters_[2];
};

}  // namespace lockstep::verifier
