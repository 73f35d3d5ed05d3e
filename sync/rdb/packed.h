#pragma once

#include <fmt/format.h>

#include <cstdint>

#include "sync/base/bytes.h"
#include "sync/rdb/cursor.h"

namespace lockstep::rdb {

/// An element of a packed structure: text, or an integer that stands for its decimal digits.
struct Item {
  Bytes text{};
  int64_t integer = 0;
  bool is_integer = false;
};

/// Room for the digits of an integer item.
class Digits {
 public:
  Bytes of(int64_t value) {
    const fmt::format_int formatted(value);
    std::memcpy(room_, formatted.data(), formatted.size());
    return {room_, formatted.size()};
  }
  Bytes of(const Item& item) { return item.is_integer ? of(item.integer) : item.text; }

 private:
  char room_[24];
};

// Readers of the four packed structures, all of one shape: next() gives elements in order, false at
// the end or at a fault; then problem() is nullptr, or says what is wrong.

/// listpack.c: total(4) count(2) { encoding data backlen } 0xFF. The length of the backlen follows
/// from the element's, but 16,383 bytes already take three (not 16,384).
class ListpackReader {
 public:
  explicit ListpackReader(Bytes blob);
  bool next(Item& item);
  const char* problem() const { return cursor_.ok() ? nullptr : "a damaged listpack"; }

 private:
  void read(Item& item, uint8_t encoding);
  void read_number(Item& item, uint8_t encoding);

  Cursor cursor_;
  uint32_t left_ = 0;
  bool counted_ = false;
};

/// ziplist.c: total(4) tail(4) count(2) { previous length, encoding, data } 0xFF.
class ZiplistReader {
 public:
  explicit ZiplistReader(Bytes blob);
  bool next(Item& item);
  const char* problem() const { return cursor_.ok() ? nullptr : "a damaged ziplist"; }

 private:
  void read(Item& item, uint8_t encoding);
  void read_number(Item& item, uint8_t encoding);

  Cursor cursor_;
  uint32_t left_ = 0;
  bool counted_ = false;
};

/// intset.c: width(4: 2, 4 or 8) count(4) integers.
class IntsetReader {
 public:
  explicit IntsetReader(Bytes blob);
  bool next(Item& item);
  const char* problem() const { return cursor_.ok() ? nullptr : "a damaged intset"; }

 private:
  Cursor cursor_;
  uint32_t width_;
};

/// zipmap.c: count(1) { length key length free(1) value free bytes } 0xFF. Keys and values in turn.
class ZipmapReader {
 public:
  explicit ZipmapReader(Bytes blob) : cursor_(blob) { cursor_.u8(); }
  bool next(Item& item);
  const char* problem() const { return cursor_.ok() ? nullptr : "a damaged zipmap"; }

 private:
  Cursor cursor_;
  bool value_next_ = false;
};

}  // namespace lockstep::rdb
