#pragma once

#include <cstdint>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::rdb {

/// Whether LZF can turn so few bytes into so many: three bytes make 264 at most.
constexpr bool lzf_length_possible(uint64_t compressed, uint64_t expanded) {
  return compressed > 0 && expanded > 0 && expanded / 88 <= compressed;
}

/// Expands `compressed` to exactly `length` bytes in `out`; false if it is damaged or makes another
/// number of bytes. REQUIRES: lzf_length_possible().
bool lzf_expand(Bytes compressed, uint64_t length, std::string& out);

}  // namespace lockstep::rdb
