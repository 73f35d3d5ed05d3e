#include "sync/rdb/object.h"

#include <algorithm>

#include "sync/base/error.h"
#include "sync/rdb/score.h"

namespace lockstep::rdb {
namespace {

Object empty_object(Kind kind) {
  switch (kind) {
    case Kind::string:
      return String{};
    case Kind::list:
      return List{};
    case Kind::set:
      return Set{};
    case Kind::hash:
      return Hash{};
    case Kind::zset:
      return SortedSet{};
    case Kind::stream:
      return Stream{};
    case Kind::module:
      return Module{};
  }
  return {};
}

struct Sorter {
  void operator()(Set& set) const { std::ranges::sort(set.members); }
  void operator()(Hash& hash) const { std::ranges::sort(hash.fields); }
  void operator()(SortedSet& zset) const {
    std::ranges::sort(zset.members, {}, &ScoredMember::member);
  }
  void operator()(Stream& stream) const {
    std::ranges::sort(stream.groups, {}, &Group::name);
    for (Group& group : stream.groups) std::ranges::sort(group.consumers, {}, &Consumer::name);
  }
  template <class Other>
  void operator()(Other&) const {}
};

template <class T>
void adopt_unknown(std::optional<T>& a, std::optional<T>& b) {
  if (!a) a = b;
  if (!b) b = a;
}

void adopt_unknown(Stream& a, Stream& b) {
  adopt_unknown(a.info.first_id, b.info.first_id);
  adopt_unknown(a.info.max_deleted_id, b.info.max_deleted_id);
  adopt_unknown(a.info.entries_added, b.info.entries_added);
  for (size_t i = 0; i < std::min(a.groups.size(), b.groups.size()); ++i) {
    // -1: the server has lost count, as its own replicas do after XREADGROUP and XCLAIM.
    for (Group* group : {&a.groups[i], &b.groups[i]}) {
      if (group->entries_read == -1) group->entries_read.reset();
    }
    adopt_unknown(a.groups[i].entries_read, b.groups[i].entries_read);
  }
}

}  // namespace

ObjectBuilder::ObjectBuilder(Kind kind) : object_(empty_object(kind)) {}

Object ObjectBuilder::take() {
  std::visit(Sorter{}, object_);
  return std::move(object_);
}

void ObjectBuilder::on_string(Bytes text) { std::get<String>(object_).text += text; }
void ObjectBuilder::on_list_item(Bytes item) { std::get<List>(object_).items.emplace_back(item); }
void ObjectBuilder::on_set_member(Bytes member) {
  std::get<Set>(object_).members.emplace_back(member);
}
void ObjectBuilder::on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) {
  std::get<Hash>(object_).fields.push_back({std::string(field), std::string(value), expire_at});
}
void ObjectBuilder::on_zset_member(Bytes member, double score) {
  std::get<SortedSet>(object_).members.push_back({std::string(member), plain_score(score)});
}
void ObjectBuilder::on_stream_entry(StreamId id, std::span<const std::pair<Bytes, Bytes>> fields) {
  auto& entries = std::get<Stream>(object_).entries;
  entries.push_back({id, {fields.begin(), fields.end()}});
}
void ObjectBuilder::on_stream_info(const StreamInfo& info) {
  std::get<Stream>(object_).info = info;
}
void ObjectBuilder::on_group(const StreamGroup& group) {
  std::get<Stream>(object_).groups.push_back(
      {std::string(group.name), group.last_delivered_id, group.entries_read});
}
void ObjectBuilder::on_group_pending(const PendingEntry& entry) {
  std::get<Stream>(object_).groups.back().pending.push_back(entry);
}
void ObjectBuilder::on_consumer(const StreamConsumer& consumer) {
  std::get<Stream>(object_).groups.back().consumers.push_back({std::string(consumer.name), {}});
}
void ObjectBuilder::on_consumer_pending(StreamId id) {
  std::get<Stream>(object_).groups.back().consumers.back().pending.push_back(id);
}
void ObjectBuilder::on_module(Bytes name, Bytes raw) {
  object_ = Module{std::string(name), std::string(raw)};
}

Object decode_object(ValueType type, Bytes value) {
  const auto kind = kind_of(type);
  if (!kind) throw FormatError(0, "unknown value type " + std::to_string(type));
  ObjectBuilder builder(*kind);
  decode(type, value, builder);
  return builder.take();
}

bool same_value(const Object& a, const Object& b) {
  const auto* stream_a = std::get_if<Stream>(&a);
  const auto* stream_b = std::get_if<Stream>(&b);
  if (!stream_a || !stream_b) return a == b;
  Stream left = *stream_a, right = *stream_b;
  adopt_unknown(left, right);
  return left == right;
}

}  // namespace lockstep::rdb
