#pragma once

#include <optional>

#include "verifier/compare.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

/// What can be told of a candidate from what was kept of it when both sides were read at one cut,
/// when its values cannot be seen any more.
struct CutState {
  enum class Kind : uint8_t {
    unknown,    ///< not certainly different: its digest also depends on what a tolerance allows
    expired,    ///< its time had come on one side
    different,  ///< certainly, in this class
  };
  Kind kind = Kind::unknown;
  DiffClass diff_class = DiffClass::value;
};

/// `now_ms`: each side's clock at the cut. REQUIRES: `key.seen_whole`.
CutState state_at_cut(const Candidate& key, const Tolerance& tolerance,
                      const std::array<int64_t, 2>& now_ms);

/// True if the reading shows the key as it was seen at the cut. `digest`: of the reading's value.
bool as_seen(const std::optional<SeenState>& seen, const Reading& reading, uint64_t digest);

}  // namespace lockstep::verifier
