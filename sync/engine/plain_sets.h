#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sync/base/bytes.h"

namespace lockstep::engine {

/// SETs without options that follow one another at the beginning of a stream's bytes: an MSET of
/// their pairs has the same effect, in the same order, and costs the target half.
struct PlainSets {
  static constexpr uint32_t count_max = 32;
  static constexpr size_t value_bytes_max = 1024;  ///< a longer value gains nothing

  uint32_t count = 0;
  size_t bytes = 0;                           ///< of the stream, whole commands
  std::array<uint32_t, count_max> ends = {};  ///< of each of them, from the beginning of the stream
};

/// Counts them; count 0 when the stream begins with something else or with a part of a command.
PlainSets find_plain_sets(Bytes stream);

/// Appends one MSET of the pairs of `sets`, which were found in `stream`.
void append_mset(std::string& out, Bytes stream, const PlainSets& sets);

}  // namespace lockstep::engine
