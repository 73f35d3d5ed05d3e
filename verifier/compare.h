#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verifier/tolerance.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// One key as one side has it now.
struct Reading {
  std::optional<std::string> payload;  ///< of DUMP; nullopt: absent
  std::optional<ExpireAt> expire_at;
  std::vector<size_t> nodes;  ///< where it is
  int64_t now_ms = 0;         ///< by that side's clock
};

enum class Outcome : uint8_t { equal, expired, different, unverifiable };

struct Comparison {
  Outcome outcome = Outcome::equal;
  DiffClass diff_class = DiffClass::value;
  std::string source_type = "none";
  std::string target_type = "none";
  std::string detail;          ///< the first differing element, or why it is unverifiable
  uint64_t source_digest = 0;  ///< of value and expiry: two readings with the same are the same
  uint64_t target_digest = 0;
};

/// Compares values, then expiries. Bytes first; unequal bytes are decoded. Total: a payload that
/// cannot be decoded is unverifiable.
Comparison compare(const Reading& source, const Reading& target, const Tolerance& tolerance);

}  // namespace lockstep::verifier
