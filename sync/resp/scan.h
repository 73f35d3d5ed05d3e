#pragma once

// Shared by the two parsers, private to this module.

#include <cstdint>

#include "sync/base/bytes.h"

namespace lockstep::resp::detail {

enum class Scan : uint8_t { need_more, complete, malformed };

/// Reads "[-]digits\r\n" at `at`. When complete, `value` is set and `at` is behind the line;
/// otherwise both are as they were. At most 18 digits, so that no value overflows.
inline Scan scan_length(Bytes input, size_t& at, int64_t& value) {
  const char* p = input.data() + at;
  const char* const end = input.data() + input.size();
  const bool negative = p != end && *p == '-';
  if (negative) ++p;
  const char* const digits = p;
  int64_t number = 0;
  while (p != end && static_cast<unsigned char>(*p - '0') < 10 && p - digits < 18) {
    number = number * 10 + (*p++ - '0');
  }
  if (p == end) return Scan::need_more;
  if (p == digits || *p != '\r') return Scan::malformed;
  if (end - p < 2) return Scan::need_more;
  if (p[1] != '\n') return Scan::malformed;
  value = negative ? -number : number;
  at = static_cast<size_t>(p + 2 - input.data());
  return Scan::complete;
}

/// `view`, which pointed into memory that began at `from`, as it stands in memory that begins at
/// `to`.
inline Bytes rebase(Bytes view, const char* from, const char* to) {
  return view.empty() ? Bytes() : Bytes(to + (view.data() - from), view.size());
}

}  // namespace lockstep::resp::detail
