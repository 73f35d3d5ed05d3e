#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::rdb {

static_assert(std::endian::native == std::endian::little, "values are read as they stand");

/// A string as it stands in the file, before expansion.
struct RawString {
  enum class Form : uint8_t { plain, integer, lzf };
  Form form = Form::plain;
  Bytes bytes{};  ///< plain or compressed
  int64_t integer = 0;
  uint64_t length = 0;  ///< of the expanded string, known even where its bytes end too early
};

/// Reads the primitives of the format from bytes in memory. Everything returned is a view.
///
/// The first fault sticks: reads after it return zeros and empty views, so that one check of ok() a
/// whole element is enough. A fault is either short (missing() > 0: the bytes end too early) or bad
/// (problem() says what the bytes at position() are not).
class Cursor {
 public:
  explicit Cursor(Bytes input) : begin_(input.data()), pos_(begin_), end_(begin_ + input.size()) {}

  bool ok() const { return missing_ == 0 && problem_ == nullptr; }
  uint64_t missing() const { return missing_; }
  const char* problem() const { return problem_; }
  bool at_end() const { return pos_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - pos_); }
  /// Bytes read; at a bad fault the place of it.
  size_t position() const { return static_cast<size_t>((problem_ ? fault_ : pos_) - begin_); }
  const char* mark() const { return pos_; }
  /// Back to a mark(). A fault stays.
  void rewind(const char* mark) { pos_ = mark; }
  Bytes since(const char* mark) const { return {mark, static_cast<size_t>(pos_ - mark)}; }
  Bytes rest() const { return {pos_, remaining()}; }

  void fail(const char* problem) {
    if (!ok()) return;
    problem_ = problem;
    fault_ = pos_;
    pos_ = end_;
  }

  Bytes take(uint64_t count) {
    if (count > remaining()) [[unlikely]]
      return run_short(count);
    const char* start = pos_;
    pos_ += count;
    return {start, static_cast<size_t>(count)};
  }
  void skip(uint64_t count) { take(count); }

  uint8_t u8() { return pos_ < end_ ? static_cast<uint8_t>(*pos_++) : (run_short(1), uint8_t{0}); }
  /// Any integer or floating type, little endian.
  template <class T>
  T fixed() {
    T value{};
    if (Bytes bytes = take(sizeof(T)); !bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  uint64_t big_endian_u64() { return __builtin_bswap64(fixed<uint64_t>()); }

  /// A plain length; an encoded string where a length must be is bad.
  uint64_t length() {
    const uint8_t first = u8();
    if (first < 0x40) [[likely]]
      return first;
    if (first < 0x80) return (uint64_t{first & 0x3fu} << 8) | u8();
    return long_length(first);
  }

  void skip_string() {
    const char* start = pos_;
    const uint8_t first = u8();
    if (first < 0x40) [[likely]]
      return skip(first);
    if (first < 0xc0) return pos_ = start, skip(length());
    skip_encoded(first);
  }

  RawString string() {
    const char* start = pos_;
    const uint8_t first = u8();
    if (first >= 0xc0) [[unlikely]]
      return encoded_string(first);
    pos_ = start;
    const uint64_t size = length();
    return {.bytes = take(size), .length = size};
  }
  /// The string's bytes; views into the input, or into `scratch` where they had to be made.
  Bytes text(std::string& scratch) {
    const RawString raw = string();
    if (raw.form == RawString::Form::plain) [[likely]]
      return raw.bytes;
    return expand(raw, scratch);
  }
  Bytes expand(const RawString& raw, std::string& scratch);

 private:
  Bytes run_short(uint64_t count) {
    if (ok()) missing_ = count - remaining();
    pos_ = end_;
    return {};
  }
  uint64_t long_length(uint8_t first);
  void skip_encoded(uint8_t first);
  RawString encoded_string(uint8_t first);

  const char* begin_;
  const char* pos_;
  const char* end_;
  const char* fault_ = nullptr;
  uint64_t missing_ = 0;
  const char* problem_ = nullptr;
};

}  // namespace lockstep::rdb
