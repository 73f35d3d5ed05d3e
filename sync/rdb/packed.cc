#include "sync/rdb/packed.h"

namespace lockstep::rdb {
namespace {

constexpr uint8_t end_mark = 0xff;
constexpr uint16_t uncounted = 0xffff;

int64_t read_int24(Cursor& cursor) {
  const uint32_t low = cursor.fixed<uint16_t>();
  const uint32_t value = low | uint32_t{cursor.u8()} << 16;
  return static_cast<int32_t>(value << 8) >> 8;
}

size_t listpack_backlen_bytes(size_t length) {
  return length <= 127 ? 1 : length < 16383 ? 2 : length < 2097151 ? 3 : length < 268435455 ? 4 : 5;
}

/// Past the header; the cursor fails unless the structure says it is as long as its bytes.
void open(Cursor& cursor, Bytes blob, size_t behind_total, uint32_t& left, bool& counted) {
  const bool fits = cursor.fixed<uint32_t>() == blob.size();
  cursor.skip(behind_total);
  left = cursor.fixed<uint16_t>();
  counted = left != uncounted;
  if (cursor.ok() && (!fits || static_cast<uint8_t>(blob.back()) != end_mark))
    cursor.fail("length");
}

/// True if an element follows; at the end mark all must have been read.
bool at_element(Cursor& cursor, uint32_t& left, bool counted, uint8_t& first) {
  first = cursor.u8();
  if (!cursor.ok()) return false;
  const bool ended = first == end_mark && cursor.at_end();
  if (counted && ended != (left == 0)) cursor.fail("count");
  --left;
  return !ended && cursor.ok();
}

}  // namespace

ListpackReader::ListpackReader(Bytes blob) : cursor_(blob) {
  open(cursor_, blob, 0, left_, counted_);
}

bool ListpackReader::next(Item& item) {
  const char* start = cursor_.mark();
  uint8_t encoding;
  if (!at_element(cursor_, left_, counted_, encoding)) return false;
  read(item, encoding);
  cursor_.skip(listpack_backlen_bytes(cursor_.since(start).size()));
  return cursor_.ok();
}

void ListpackReader::read(Item& item, uint8_t encoding) {
  item.is_integer = false;
  if (encoding < 0x80) {
    item.is_integer = true;
    item.integer = encoding;
  } else if (encoding < 0xc0) {
    item.text = cursor_.take(encoding & 0x3f);
  } else if (encoding >= 0xe0 && encoding < 0xf0) {
    const uint32_t high = encoding & 0x0f;
    item.text = cursor_.take(high << 8 | cursor_.u8());
  } else if (encoding == 0xf0) {
    item.text = cursor_.take(cursor_.fixed<uint32_t>());
  } else {
    read_number(item, encoding);
  }
}

void ListpackReader::read_number(Item& item, uint8_t encoding) {
  item.is_integer = true;
  if (encoding < 0xe0) {
    const uint32_t value = uint32_t{encoding & 0x1fu} << 8 | cursor_.u8();
    item.integer = static_cast<int32_t>(value << 19) >> 19;
    return;
  }
  switch (encoding) {
    case 0xf1:
      item.integer = cursor_.fixed<int16_t>();
      break;
    case 0xf2:
      item.integer = read_int24(cursor_);
      break;
    case 0xf3:
      item.integer = cursor_.fixed<int32_t>();
      break;
    case 0xf4:
      item.integer = cursor_.fixed<int64_t>();
      break;
    default:
      cursor_.fail("encoding");
  }
}

ZiplistReader::ZiplistReader(Bytes blob) : cursor_(blob) {
  open(cursor_, blob, 4, left_, counted_);
}

bool ZiplistReader::next(Item& item) {
  uint8_t previous_length;
  if (!at_element(cursor_, left_, counted_, previous_length)) return false;
  if (previous_length == end_mark) cursor_.fail("length of the element before");
  if (previous_length == 0xfe) cursor_.skip(4);
  read(item, cursor_.u8());
  return cursor_.ok();
}

void ZiplistReader::read(Item& item, uint8_t encoding) {
  item.is_integer = false;
  if (encoding < 0x40) {
    item.text = cursor_.take(encoding);
  } else if (encoding < 0x80) {
    const uint32_t high = encoding & 0x3f;
    item.text = cursor_.take(high << 8 | cursor_.u8());
  } else if (encoding == 0x80) {
    item.text = cursor_.take(__builtin_bswap32(cursor_.fixed<uint32_t>()));
  } else {
    read_number(item, encoding);
  }
}

void ZiplistReader::read_number(Item& item, uint8_t encoding) {
  item.is_integer = true;
  switch (encoding) {
    case 0xc0:
      item.integer = cursor_.fixed<int16_t>();
      break;
    case 0xd0:
      item.integer = cursor_.fixed<int32_t>();
      break;
    case 0xe0:
      item.integer = cursor_.fixed<int64_t>();
      break;
    case 0xf0:
      item.integer = read_int24(cursor_);
      break;
    case 0xfe:
      item.integer = cursor_.fixed<int8_t>();
      break;
    default:
      if (encoding < 0xf1 || encoding > 0xfd) cursor_.fail("encoding");
      item.integer = (encoding & 0x0f) - 1;
  }
}

IntsetReader::IntsetReader(Bytes blob) : cursor_(blob), width_(cursor_.fixed<uint32_t>()) {
  const uint64_t count = cursor_.fixed<uint32_t>();
  if (width_ != 2 && width_ != 4 && width_ != 8) cursor_.fail("width");
  if (count * width_ != cursor_.remaining()) cursor_.fail("count");
}

bool IntsetReader::next(Item& item) {
  if (!cursor_.ok() || cursor_.at_end()) return false;
  item.is_integer = true;
  item.integer = width_ == 2   ? cursor_.fixed<int16_t>()
                 : width_ == 4 ? cursor_.fixed<int32_t>()
                               : cursor_.fixed<int64_t>();
  return true;
}

bool ZipmapReader::next(Item& item) {
  const uint8_t first = cursor_.u8();
  if (first == end_mark && !value_next_ && cursor_.at_end()) return false;
  if (first == end_mark) cursor_.fail("length");
  const uint32_t length = first < 0xfe ? first : cursor_.fixed<uint32_t>();
  const uint8_t unused = value_next_ ? cursor_.u8() : uint8_t{0};
  item = {.text = cursor_.take(length)};
  cursor_.skip(unused);
  value_next_ = !value_next_;
  return cursor_.ok();
}

}  // namespace lockstep::rdb
