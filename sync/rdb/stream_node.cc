#include "sync/rdb/stream_node.h"

namespace lockstep::rdb {
namespace {

enum EntryFlag : int64_t { deleted = 1, same_fields = 2 };

bool read_integer(ListpackReader& reader, int64_t& value) {
  Item item;
  if (!reader.next(item) || !item.is_integer) return false;
  value = item.integer;
  return true;
}

}  // namespace

const char* StreamNodeReader::read(Bytes id, Bytes listpack, Visitor& visitor) {
  if (id.size() != 16) return "a stream node without id";
  Cursor cursor(id);
  const uint64_t ms = cursor.big_endian_u64();
  const StreamId base{ms, cursor.big_endian_u64()};
  ListpackReader reader(listpack);
  if (!read_master(reader)) return "a stream node without master entry";
  for (Item flags; reader.next(flags);)
    if (!read_entry(reader, flags, base, visitor)) return "a damaged entry of a stream";
  return reader.problem();
}

bool StreamNodeReader::read_master(ListpackReader& reader) {
  int64_t count, gone, fields, terminator;
  if (!read_integer(reader, count) || !read_integer(reader, gone) || !read_integer(reader, fields))
    return false;
  master_.clear();
  for (Item item; fields > 0; --fields) {
    if (!reader.next(item)) return false;
    master_.push_back(item);
  }
  return read_integer(reader, terminator) && terminator == 0;
}

bool StreamNodeReader::read_entry(ListpackReader& reader, const Item& flags, StreamId base,
                                  Visitor& visitor) {
  int64_t ms, seq, item_count;
  if (!flags.is_integer || !read_integer(reader, ms) || !read_integer(reader, seq)) return false;
  if (!read_fields(reader, flags.integer & same_fields) || !read_integer(reader, item_count))
    return false;
  if (!(flags.integer & deleted))
    give({base.ms + static_cast<uint64_t>(ms), base.seq + static_cast<uint64_t>(seq)}, visitor);
  return true;
}

bool StreamNodeReader::read_fields(ListpackReader& reader, bool of_master) {
  items_.clear();
  int64_t fields = static_cast<int64_t>(master_.size());
  if (!of_master && !read_integer(reader, fields)) return false;
  for (int64_t i = 0; i < fields; ++i) {
    Item field, value;
    if (of_master)
      field = master_[i];
    else if (!reader.next(field))
      return false;
    if (!reader.next(value)) return false;
    items_.push_back(field);
    items_.push_back(value);
  }
  return true;
}

void StreamNodeReader::give(StreamId id, Visitor& visitor) {
  digits_.resize(std::max(digits_.size(), items_.size()));
  pairs_.clear();
  for (size_t i = 0; i + 1 < items_.size(); i += 2)
    pairs_.emplace_back(digits_[i].of(items_[i]), digits_[i + 1].of(items_[i + 1]));
  visitor.on_stream_entry(id, pairs_);
}

}  // namespace lockstep::rdb
