#include "verifier/value_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/rdb/dump_payload.h"

namespace lockstep::verifier {

namespace {

constexpr size_t piece_bytes = 32;

using Parts = std::vector<ValuePart>;

/// Sorts as the number does.
std::string order_of(uint64_t number) { return fmt::format("{:020}", number); }

std::string id_text(rdb::StreamId id) { return fmt::format("{}-{}", id.ms, id.seq); }
std::string id_order(rdb::StreamId id) { return order_of(id.ms) + order_of(id.seq); }

Parts parts_of(const rdb::String& string) {
  Parts parts;
  for (size_t at = 0; at < string.text.size(); at += piece_bytes)
    parts.push_back(
        {order_of(at), fmt::format("byte {}", at), string.text.substr(at, piece_bytes)});
  return parts;
}

Parts parts_of(const rdb::List& list) {
  Parts parts;
  for (const std::string& item : list.items) {
    const size_t index = parts.size();
    parts.push_back({order_of(index), std::to_string(index), item});
  }
  return parts;
}

Parts parts_of(const rdb::Set& set) {
  Parts parts;
  for (const std::string& member : set.members) parts.push_back({member, "member", member});
  return parts;
}

Parts parts_of(const rdb::Hash& hash) {
  Parts parts;
  for (const rdb::HashField& field : hash.fields)
    parts.push_back({field.field, field.field, field.value, field.expire_at});
  return parts;
}

Parts parts_of(const rdb::SortedSet& zset) {
  Parts parts;
  for (const rdb::ScoredMember& member : zset.members)
    parts.push_back({member.member, member.member, fmt::format("{:.17g}", member.score)});
  return parts;
}

template <class T, class Text>
ValuePart optional_part(const char* order, const char* name, const std::optional<T>& value,
                        Text text) {
  ValuePart part{order, name, value ? text(*value) : "not told"};
  part.known = value.has_value();
  return part;
}

std::string number_text(uint64_t number) { return std::to_string(number); }

void add_info(Parts& parts, const rdb::StreamInfo& info) {
  parts.push_back({"1 a", "length", std::to_string(info.length)});
  parts.push_back({"1 b", "last id", id_text(info.last_id)});
  parts.push_back(optional_part("1 c", "first id", info.first_id, id_text));
  parts.push_back(optional_part("1 d", "greatest deleted id", info.max_deleted_id, id_text));
  parts.push_back(optional_part("1 e", "entries added", info.entries_added, number_text));
}

std::string ids_text(const std::vector<rdb::StreamId>& ids) {
  std::string text = fmt::format("{} pending:", ids.size());
  for (const rdb::StreamId id : ids) text += " " + id_text(id);
  return text;
}

void add_group(Parts& parts, const rdb::Group& group) {
  const std::string order = "2 " + group.name + '\0';
  const std::string name = fmt::format("group {}", group.name);
  parts.push_back({order + "a", name + ": last delivered", id_text(group.last_delivered_id)});
  const bool counted = group.entries_read && *group.entries_read != -1;
  parts.push_back({order + "b", name + ": entries read",
                   counted ? std::to_string(*group.entries_read) : "not told"});
  parts.back().known = counted;
  for (const rdb::Consumer& consumer : group.consumers)
    parts.push_back({order + "c" + consumer.name, fmt::format("{}: {}", name, consumer.name),
                     ids_text(consumer.pending)});
  for (const rdb::PendingEntry& entry : group.pending)
    parts.push_back({order + "d" + id_order(entry.id),
                     fmt::format("{}: {}", name, id_text(entry.id)),
                     fmt::format("delivered {} times, last at {}", entry.delivery_count,
                                 entry.delivery_time_ms)});
}

Parts parts_of(const rdb::Stream& stream) {
  Parts parts;
  for (const rdb::StreamEntry& entry : stream.entries) {
    std::string text;
    for (const auto& [field, value] : entry.fields)
      text += (text.empty() ? "" : " ") + field + "=" + value;
    parts.push_back({"0 " + id_order(entry.id), id_text(entry.id), text});
  }
  add_info(parts, stream.info);
  for (const rdb::Group& group : stream.groups) add_group(parts, group);
  return parts;
}

Parts parts_of(const rdb::Module& module) { return {{"", "module " + module.name, module.raw}}; }

uint64_t elements_of(const rdb::String&) { return 1; }
uint64_t elements_of(const rdb::List& list) { return list.items.size(); }
uint64_t elements_of(const rdb::Set& set) { return set.members.size(); }
uint64_t elements_of(const rdb::Hash& hash) { return hash.fields.size(); }
uint64_t elements_of(const rdb::SortedSet& zset) { return zset.members.size(); }
uint64_t elements_of(const rdb::Stream& stream) { return stream.entries.size(); }
uint64_t elements_of(const rdb::Module&) { return 1; }

}  // namespace

std::vector<ValuePart> value_parts(const rdb::Object& object) {
  Parts parts = std::visit([](const auto& value) { return parts_of(value); }, object);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const ValuePart& a, const ValuePart& b) { return a.order < b.order; });
  return parts;
}

DecodedValue decode_payload(Bytes payload) {
  try {
    const rdb::DumpView view = rdb::parse_dump_payload(payload);
    const auto kind = rdb::kind_of(view.type);
    DecodedValue value{kind ? rdb::kind_name(*kind) : "unknown type", 0,
                       rdb::decode_object(view.type, view.value)};
    value.elements =
        std::visit([](const auto& object) { return elements_of(object); }, *value.object);
    return value;
  } catch (const FormatError& error) {
    return {fmt::format("cannot be decoded ({})", error.what()), 0, std::nullopt};
  }
}

}  // namespace lockstep::verifier
