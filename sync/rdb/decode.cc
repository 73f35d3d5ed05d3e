#include "sync/rdb/decode.h"

#include <limits>
#include <string>
#include <vector>

#include "sync/base/error.h"
#include "sync/rdb/module_id.h"
#include "sync/rdb/packed.h"
#include "sync/rdb/score.h"
#include "sync/rdb/stream_node.h"
#include "sync/rdb/walk.h"

namespace lockstep::rdb {
namespace {

/// Reads elements of all sections. A fault of a packed structure becomes one of the cursor.
class Decoder {
 public:
  Decoder(Cursor& cursor, Visitor& visitor) : cursor_(cursor), visitor_(visitor) {}

  void read(Run run, const TypeInfo& info) {
    for (; run.left > 0 && cursor_.ok(); --run.left) read_element(run, info.stream_version);
  }

 private:
  void read_element(const Run& run, unsigned stream_version) {
    switch (run.section) {
      case Section::string_value:
        return give(&Visitor::on_string, text());
      case Section::list_item:
        return give(&Visitor::on_list_item, text());
      case Section::set_member:
        return give(&Visitor::on_set_member, text());
      case Section::hash_pair:
        return pair({});
      case Section::hash_pair_at:
        return pair_at();
      case Section::hash_pair_after:
        return pair_after(run.base_expire_ms);
      case Section::zset_text:
        return zset_text();
      case Section::zset_binary:
        return zset_binary();
      case Section::list_ziplist:
        return singles<ZiplistReader>(&Visitor::on_list_item);
      case Section::set_intset:
        return singles<IntsetReader>(&Visitor::on_set_member);
      case Section::set_listpack:
        return singles<ListpackReader>(&Visitor::on_set_member);
      case Section::zset_ziplist:
        return scored<ZiplistReader>();
      case Section::zset_listpack:
        return scored<ListpackReader>();
      case Section::hash_zipmap:
        return pairs<ZipmapReader>();
      case Section::hash_ziplist:
        return pairs<ZiplistReader>();
      case Section::hash_listpack:
        return pairs<ListpackReader>();
      case Section::hash_listpack_ex:
        return triples();
      case Section::list_node:
        return list_node();
      case Section::module_item:
        return;  // see decode_module()
      default:
        return read_stream(run.section, stream_version);
    }
  }

  Bytes text() { return cursor_.text(scratch_[0]); }
  void give(void (Visitor::*on)(Bytes), Bytes bytes) {
    if (cursor_.ok()) (visitor_.*on)(bytes);
  }
  void give_pair(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) {
    if (cursor_.ok()) visitor_.on_hash_field(field, value, expire_at);
  }
  void give_score(Bytes member, std::optional<double> score) {
    if (!score) cursor_.fail("a score that is no number");
    if (cursor_.ok()) visitor_.on_zset_member(member, *score);
  }

  void pair(std::optional<ExpireAt> expire_at) {
    const Bytes field = cursor_.text(scratch_[0]);
    give_pair(field, cursor_.text(scratch_[1]), expire_at);
  }
  void pair_at() {
    const Bytes field = cursor_.text(scratch_[0]);
    const Bytes value = cursor_.text(scratch_[1]);
    const auto at = cursor_.fixed<int64_t>();
    give_pair(field, value, at == -1 ? std::nullopt : std::optional(ExpireAt{at}));
  }
  void pair_after(int64_t base) {
    const uint64_t after = cursor_.length();
    const auto at = static_cast<int64_t>(static_cast<uint64_t>(base) + after - 1);
    pair(after == 0 ? std::nullopt : std::optional(ExpireAt{at}));
  }

  void zset_text() {
    const Bytes member = text();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const uint8_t length = cursor_.u8();
    std::optional<double> score;
    if (length == 253)
      score = std::numeric_limits<double>::quiet_NaN();
    else if (length == 254)
      score = infinity;
    else if (length == 255)
      score = -infinity;
    else
      score = parse_score(cursor_.take(length));
    give_score(member, score);
  }
  void zset_binary() {
    const Bytes member = text();
    give_score(member, cursor_.fixed<double>());
  }

  /// Hands a packed structure's reader to `use`, and takes over its fault.
  template <class Reader, class Use>
  void with(Bytes blob, Use use) {
    Reader reader(blob);
    if (cursor_.ok()) use(reader);
    if (reader.problem()) cursor_.fail(reader.problem());
  }
  template <class Reader>
  void singles(void (Visitor::*on)(Bytes)) {
    singles<Reader>(text(), on);
  }
  template <class Reader>
  void singles(Bytes blob, void (Visitor::*on)(Bytes)) {
    with<Reader>(blob, [&](Reader& reader) {
      for (Item item; reader.next(item);) (visitor_.*on)(digits_[0].of(item));
    });
  }
  template <class Reader>
  void pairs() {
    with<Reader>(text(), [&](Reader& reader) {
      for (Item field, value; reader.next(field);) {
        if (!reader.next(value)) return cursor_.fail("a field without value");
        give_pair(digits_[0].of(field), digits_[1].of(value), {});
      }
    });
  }
  template <class Reader>
  void scored() {
    with<Reader>(text(), [&](Reader& reader) {
      for (Item member, score; reader.next(member) && cursor_.ok();) {
        if (!reader.next(score)) return cursor_.fail("a member without score");
        const auto number =
            score.is_integer ? static_cast<double>(score.integer) : parse_score(score.text);
        give_score(digits_[0].of(member), number);
      }
    });
  }
  void triples() {
    cursor_.skip(8);  // the soonest expiry; each field has its own
    with<ListpackReader>(text(), [&](ListpackReader& reader) {
      for (Item field, value, at; reader.next(field);) {
        if (!reader.next(value) || !reader.next(at) || !at.is_integer)
          return cursor_.fail("a field without value or expiry");
        give_pair(digits_[0].of(field), digits_[1].of(value),
                  at.integer == 0 ? std::nullopt : std::optional(ExpireAt{at.integer}));
      }
    });
  }
  void list_node() {
    const uint64_t container = cursor_.length();
    const Bytes node = text();
    if (container == 1) return give(&Visitor::on_list_item, node);
    if (container == 2) return singles<ListpackReader>(node, &Visitor::on_list_item);
    cursor_.fail("unknown container of a list node");
  }

  void read_stream(Section section, unsigned version) {
    switch (section) {
      case Section::stream_node:
        return stream_node();
      case Section::stream_info:
        return stream_info(version);
      case Section::stream_group:
        return stream_group(version);
      case Section::stream_consumer:
        return stream_consumer(version);
      case Section::stream_pending: {
        const StreamId id = raw_id();
        const auto time = cursor_.fixed<int64_t>();
        const PendingEntry entry{id, time, cursor_.length()};
        if (cursor_.ok()) visitor_.on_group_pending(entry);
        return;
      }
      default: {
        const StreamId id = raw_id();
        if (cursor_.ok()) visitor_.on_consumer_pending(id);
      }
    }
  }
  StreamId raw_id() {
    const uint64_t ms = cursor_.big_endian_u64();
    return {ms, cursor_.big_endian_u64()};
  }
  StreamId plain_id() {
    const uint64_t ms = cursor_.length();
    return {ms, cursor_.length()};
  }
  void stream_node() {
    const Bytes key = cursor_.text(scratch_[0]);
    const Bytes node = cursor_.text(scratch_[1]);
    if (!cursor_.ok()) return;
    if (const char* problem = nodes_.read(key, node, visitor_)) cursor_.fail(problem);
  }
  void stream_info(unsigned version) {
    StreamInfo info{.length = cursor_.length(), .last_id = plain_id()};
    if (version >= 2) {
      info.first_id = plain_id();
      info.max_deleted_id = plain_id();
      info.entries_added = cursor_.length();
    }
    if (cursor_.ok()) visitor_.on_stream_info(info);
  }
  void stream_group(unsigned version) {
    StreamGroup group{.name = text(), .last_delivered_id = plain_id()};
    if (version >= 2) group.entries_read = static_cast<int64_t>(cursor_.length());
    if (cursor_.ok()) visitor_.on_group(group);
  }
  void stream_consumer(unsigned version) {
    StreamConsumer consumer{.name = text(), .seen_time_ms = cursor_.fixed<int64_t>()};
    if (version >= 3) consumer.active_time_ms = cursor_.fixed<int64_t>();
    if (cursor_.ok()) visitor_.on_consumer(consumer);
  }

  Cursor& cursor_;
  Visitor& visitor_;
  std::string scratch_[2];
  Digits digits_[2];
  StreamNodeReader nodes_;
};

void check(const Cursor& cursor) {
  if (cursor.problem()) throw FormatError(cursor.position(), cursor.problem());
  if (!cursor.ok()) throw FormatError(cursor.position(), "a value that ends too early");
  if (!cursor.at_end()) throw FormatError(cursor.position(), "bytes behind the end of a value");
}

void decode_module(Bytes value, Visitor& visitor) {
  Cursor cursor(value);
  std::string name;
  module_name(cursor.length(), name);
  cursor.rewind(value.data());
  Walk walk(7);
  for (Run run; walk.next(cursor, run);) skip_elements(cursor, run, walk.info());
  check(cursor);
  visitor.on_module(name, value);
}

}  // namespace

void decode(ValueType type, Bytes value, Visitor& visitor) {
  Walk walk(type);
  if (walk.info().layout == Layout::unknown)
    throw FormatError(0, fmt::format("unknown value type {}", type));
  if (walk.info().layout == Layout::module) return decode_module(value, visitor);
  Cursor cursor(value);
  Decoder decoder(cursor, visitor);
  for (Run run; walk.next(cursor, run);) decoder.read(run, walk.info());
  check(cursor);
}

void decode_part(const BigPart& part, Visitor& visitor) {
  if (part.section == Section::string_value) return visitor.on_string(part.raw);
  Cursor cursor(part.raw);
  Decoder decoder(cursor, visitor);
  decoder.read({.section = part.section, .left = part.count, .base_expire_ms = part.base_expire_ms},
               type_info(part.type));
  check(cursor);
}

}  // namespace lockstep::rdb
