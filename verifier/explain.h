#pragma once

#include <optional>
#include <string>

#include "sync/rdb/object.h"
#include "verifier/tolerance.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// Where two values part.
struct ValueDifference {
  DiffClass diff_class = DiffClass::value;
  std::string detail;
};

/// The first difference of two values of the same type, in the order that a person would look:
/// elements, then field expiries or a stream's metadata. nullopt: they are the same, with field
/// expiries as `tolerance` says.
std::optional<ValueDifference> first_difference(const rdb::Object& source,
                                                const rdb::Object& target,
                                                const Tolerance& tolerance);

/// "2026-11-21 09:10:11.123 UTC (1795252211123)"; "none".
std::string printable_expiry(std::optional<ExpireAt> at);

}  // namespace lockstep::verifier
