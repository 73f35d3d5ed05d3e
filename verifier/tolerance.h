#pragma once

#include <chrono>
#include <optional>

#include "sync/base/units.h"

namespace lockstep::verifier {

/// When two absolute expiries count as the same, and what no copy can be right in.
struct Tolerance {
  std::chrono::milliseconds tolerance{1000};  ///< either way
  std::chrono::milliseconds grace{0};         ///< the target's may be later by this in addition
  /// Off where the source does not replicate it: 7.0 tells its replicas of an XREADGROUP by
  /// XCLAIMs, which leave the group's entries-read alone; 7.2 and later carry it.
  bool entries_read = true;

  /// The later clock of both sides; fields of hashes whose time has come by it may be gone on one
  /// side. 0: it is not known.
  int64_t now_ms = 0;

  bool same(std::optional<ExpireAt> source, std::optional<ExpireAt> target) const {
    if (!source || !target) return !source && !target;
    const int64_t later = target->ms - source->ms;
    return later >= -tolerance.count() && later <= grace.count() + tolerance.count();
  }
  /// A key with this expiry may be gone already on the other side when it is `then_ms` there.
  bool due(std::optional<ExpireAt> at, bool on_target, int64_t then_ms) const {
    if (!at) return false;
    return at->ms - (on_target ? grace.count() : 0) <= then_ms + tolerance.count();
  }
};

}  // namespace lockstep::verifier
