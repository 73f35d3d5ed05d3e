#include "sync/rdb/cursor.h"

#include <fmt/format.h>

#include "sync/rdb/lzf.h"

namespace lockstep::rdb {

uint64_t Cursor::long_length(uint8_t first) {
  if (first == 0x80) return __builtin_bswap32(fixed<uint32_t>());
  if (first == 0x81) return big_endian_u64();
  --pos_;
  fail(first >= 0xc0 ? "an encoded string where a length must be" : "unknown form of length");
  return 0;
}

void Cursor::skip_encoded(uint8_t first) { encoded_string(first); }

RawString Cursor::encoded_string(uint8_t first) {
  RawString raw{.form = RawString::Form::integer};
  switch (first) {
    case 0xc0:
      raw.integer = fixed<int8_t>();
      return raw;
    case 0xc1:
      raw.integer = fixed<int16_t>();
      return raw;
    case 0xc2:
      raw.integer = fixed<int32_t>();
      return raw;
    case 0xc3:
      break;
    default:
      --pos_;
      fail("unknown encoding of a string");
      return {};
  }
  const char* start = pos_;
  const uint64_t compressed = length();
  raw = {.form = RawString::Form::lzf, .length = length()};
  if (ok() && !lzf_length_possible(compressed, raw.length)) {
    rewind(start);
    fail("lengths of a compressed string that cannot be");
  }
  raw.bytes = take(compressed);
  return raw;
}

Bytes Cursor::expand(const RawString& raw, std::string& scratch) {
  if (raw.form == RawString::Form::plain) return raw.bytes;
  if (raw.form == RawString::Form::integer) {
    const fmt::format_int digits(raw.integer);
    return scratch.assign(digits.data(), digits.size());
  }
  if (!ok()) return {};
  if (lzf_expand(raw.bytes, raw.length, scratch)) return scratch;
  fail("a compressed string that does not expand to its length");
  return {};
}

}  // namespace lockstep::rdb
