#include "verifier/cut_state.h"

#include <algorithm>
#include <cstdlib>

namespace lockstep::verifier {

namespace {

/// A PTTL tells an expiry to about a millisecond.
constexpr int64_t expiry_blur_ms = 10;

/// Whose digests differ only if their values do. Fields of hashes have expiries, which a tolerance
/// allows to differ; of groups of streams not everything is replicated by all versions; modules'
/// bytes say nothing.
bool digest_decides(rdb::Kind kind) {
  return kind != rdb::Kind::hash && kind != rdb::Kind::stream && kind != rdb::Kind::module;
}

CutState one_sided(const SeenState& present, bool on_target, const Tolerance& tolerance,
                   int64_t now_ms) {
  if (tolerance.due(present.expire_at, on_target, now_ms)) return {CutState::Kind::expired};
  return {CutState::Kind::different, on_target ? DiffClass::extra : DiffClass::missing};
}

}  // namespace

CutState state_at_cut(const Candidate& key, const Tolerance& tolerance,
                      const std::array<int64_t, 2>& now_ms) {
  const auto& [source, target] = key.seen;
  if (!source || !target) {
    const bool on_target = target.has_value();
    if (!source && !target) return {};
    return one_sided(on_target ? *target : *source, on_target, tolerance,
                     std::max(now_ms[0], now_ms[1]));
  }
  if (source->kind != target->kind) return {CutState::Kind::different, DiffClass::type};
  if (source->digest != target->digest) {
    if (!digest_decides(source->kind)) return {};
    return {CutState::Kind::different, DiffClass::value};
  }
  if (tolerance.same(source->expire_at, target->expire_at)) return {};
  return {CutState::Kind::different, DiffClass::expiry};
}

bool as_seen(const std::optional<SeenState>& seen, const Reading& reading, uint64_t digest) {
  if (!seen || !reading.payload) return !seen && !reading.payload;
  if (seen->expire_at.has_value() != reading.expire_at.has_value()) return false;
  if (seen->expire_at && std::abs(seen->expire_at->ms - reading.expire_at->ms) > expiry_blur_ms)
    return false;
  return seen->digest == digest;
}

}  // namespace lockstep::verifier
