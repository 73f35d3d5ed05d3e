#include "verifier/explain.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "sync/rdb/hyperloglog.h"

namespace lockstep::verifier {

namespace {

using Found = std::optional<ValueDifference>;

constexpr size_t shown_bytes = 60;

std::string in_quotes(Bytes text) { return "\"" + printable(text, shown_bytes) + "\""; }

ValueDifference value_difference(std::string detail) {
  return {DiffClass::value, std::move(detail)};
}
ValueDifference metadata_difference(std::string detail) {
  return {DiffClass::metadata, std::move(detail)};
}

std::string id_text(rdb::StreamId id) { return fmt::format("{}-{}", id.ms, id.seq); }

/// What an older type does not carry is no difference.
template <class T>
bool both_differ(const std::optional<T>& source, const std::optional<T>& target) {
  return source && target && *source != *target;
}

/// Walks two ranges sorted by `name`: what stands on one side only, then what differs.
template <class Items, class Name, class Compare>
Found sorted_difference(const Items& source, const Items& target, const char* what, Name name,
                        Compare compare_items) {
  auto s = source.begin();
  auto t = target.begin();
  while (s != source.end() || t != target.end()) {
    const bool source_only = t == target.end() || (s != source.end() && name(*s) < name(*t));
    const bool target_only = s == source.end() || (t != target.end() && name(*t) < name(*s));
    if (source_only)
      return value_difference(fmt::format("{} {} only in the source", what, in_quotes(name(*s))));
    if (target_only)
      return value_difference(fmt::format("{} {} only in the target", what, in_quotes(name(*t))));
    if (Found found = compare_items(*s++, *t++)) return found;
  }
  return std::nullopt;
}

/// Two HyperLogLogs of other registers.
Found register_difference(Bytes source, Bytes target) {
  for (size_t i = 0; i < rdb::hyperloglog_registers; ++i) {
    const unsigned s = rdb::register_at(source, i);
    const unsigned t = rdb::register_at(target, i);
    if (s != t)
      return value_difference(
          fmt::format("register {} of a HyperLogLog: source {}, target {}", i, s, t));
  }
  return std::nullopt;
}

Found string_difference(const rdb::String& source, const rdb::String& target) {
  if (source.text == target.text) return std::nullopt;
  const auto source_registers = rdb::packed_registers(source.text);
  const auto target_registers = rdb::packed_registers(target.text);
  if (source_registers && target_registers)
    return register_difference(*source_registers, *target_registers);
  const auto [s, t] =
      std::mismatch(source.text.begin(), source.text.end(), target.text.begin(), target.text.end());
  const size_t at = static_cast<size_t>(s - source.text.begin());
  return value_difference(fmt::format("byte {}: source {} ({} bytes), target {} ({} bytes)", at,
                                      in_quotes(Bytes(source.text).substr(at)), source.text.size(),
                                      in_quotes(Bytes(target.text).substr(at)),
                                      target.text.size()));
}

std::string item_text(const rdb::List& list, size_t index) {
  return index < list.items.size() ? in_quotes(list.items[index]) : "none";
}

Found list_difference(const rdb::List& source, const rdb::List& target) {
  const auto [s, t] = std::mismatch(source.items.begin(), source.items.end(), target.items.begin(),
                                    target.items.end());
  if (s == source.items.end() && t == target.items.end()) return std::nullopt;
  const size_t at = static_cast<size_t>(s - source.items.begin());
  return value_difference(fmt::format("element {}: source {} (of {}), target {} (of {})", at,
                                      item_text(source, at), source.items.size(),
                                      item_text(target, at), target.items.size()));
}

Found set_difference(const rdb::Set& source, const rdb::Set& target) {
  const auto same = [](const std::string&, const std::string&) -> Found { return std::nullopt; };
  return sorted_difference(
      source.members, target.members, "member", [](const std::string& text) { return Bytes(text); },
      same);
}

Found score_difference(const rdb::ScoredMember& source, const rdb::ScoredMember& target) {
  if (std::bit_cast<uint64_t>(source.score) == std::bit_cast<uint64_t>(target.score))
    return std::nullopt;
  return value_difference(fmt::format("score of {}: source {:.17g}, target {:.17g}",
                                      in_quotes(source.member), source.score, target.score));
}

Found zset_difference(const rdb::SortedSet& source, const rdb::SortedSet& target) {
  return sorted_difference(
      source.members, target.members, "member",
      [](const rdb::ScoredMember& member) { return Bytes(member.member); }, score_difference);
}

Bytes field_name(const rdb::HashField& field) { return field.field; }

Found field_value_difference(const rdb::HashField& source, const rdb::HashField& target) {
  if (source.value == target.value) return std::nullopt;
  return value_difference(fmt::format("field {}: source {}, target {}", in_quotes(source.field),
                                      in_quotes(source.value), in_quotes(target.value)));
}

/// Without the fields whose time has come, and which the other side has not (any more).
rdb::Hash without_due(const rdb::Hash& hash, const rdb::Hash& other, bool on_target,
                      const Tolerance& tolerance) {
  rdb::Hash rest;
  for (const rdb::HashField& field : hash.fields) {
    const auto less = [](const rdb::HashField& a, const rdb::HashField& b) {
      return a.field < b.field;
    };
    const bool both = std::binary_search(other.fields.begin(), other.fields.end(), field, less);
    if (both || !tolerance.due(field.expire_at, on_target, tolerance.now_ms))
      rest.fields.push_back(field);
  }
  return rest;
}

Found hash_difference(const rdb::Hash& source, const rdb::Hash& target,
                      const Tolerance& tolerance) {
  if (Found found = sorted_difference(source.fields, target.fields, "field", field_name,
                                      field_value_difference))
    return found;
  for (size_t i = 0; i < source.fields.size(); ++i) {
    const rdb::HashField& s = source.fields[i];
    const rdb::HashField& t = target.fields[i];
    if (tolerance.same(s.expire_at, t.expire_at)) continue;
    return ValueDifference{
        DiffClass::field_expiry,
        fmt::format("expiry of field {}: source {}, target {}", in_quotes(s.field),
                    printable_expiry(s.expire_at), printable_expiry(t.expire_at))};
  }
  return std::nullopt;
}

Found entries_difference(const rdb::Stream& source, const rdb::Stream& target) {
  const auto [s, t] = std::mismatch(source.entries.begin(), source.entries.end(),
                                    target.entries.begin(), target.entries.end());
  if (s == source.entries.end() && t == target.entries.end()) return std::nullopt;
  const auto text = [](auto at, const auto& entries) {
    return at == entries.end() ? std::string("none") : id_text(at->id);
  };
  const bool same_id = s != source.entries.end() && t != target.entries.end() && s->id == t->id;
  return value_difference(fmt::format("entry {}: source {} (of {}), target {} (of {}){}",
                                      s - source.entries.begin(), text(s, source.entries),
                                      source.entries.size(), text(t, target.entries),
                                      target.entries.size(), same_id ? ": fields differ" : ""));
}

Found info_difference(const rdb::StreamInfo& source, const rdb::StreamInfo& target) {
  if (source.last_id != target.last_id)
    return metadata_difference(fmt::format("last id: source {}, target {}", id_text(source.last_id),
                                           id_text(target.last_id)));
  if (both_differ(source.first_id, target.first_id))
    return metadata_difference(fmt::format("first id: source {}, target {}",
                                           id_text(*source.first_id), id_text(*target.first_id)));
  if (both_differ(source.entries_added, target.entries_added))
    return metadata_difference(fmt::format("entries added: source {}, target {}",
                                           *source.entries_added, *target.entries_added));
  if (both_differ(source.max_deleted_id, target.max_deleted_id))
    return metadata_difference(fmt::format("greatest deleted id: source {}, target {}",
                                           id_text(*source.max_deleted_id),
                                           id_text(*target.max_deleted_id)));
  return std::nullopt;
}

Found pending_difference(const rdb::Group& source, const rdb::Group& target) {
  const auto [s, t] = std::mismatch(source.pending.begin(), source.pending.end(),
                                    target.pending.begin(), target.pending.end());
  if (s == source.pending.end() && t == target.pending.end()) return std::nullopt;
  const auto text = [](auto at, auto end) {
    return at == end ? std::string("none")
                     : fmt::format("{} delivered {} times, last at {}", id_text(at->id),
                                   at->delivery_count, at->delivery_time_ms);
  };
  return metadata_difference(fmt::format(
      "group {}, pending entry {}: source {}, target {}", in_quotes(source.name),
      s - source.pending.begin(), text(s, source.pending.end()), text(t, target.pending.end())));
}

Found consumer_difference(const rdb::Group& source, const rdb::Group& target) {
  const auto same_pending = [&](const rdb::Consumer& s, const rdb::Consumer& t) -> Found {
    if (s.pending == t.pending) return std::nullopt;
    return metadata_difference(
        fmt::format("group {}: consumer {} holds {} pending entries in the source, {} in the "
                    "target, or others",
                    in_quotes(source.name), in_quotes(s.name), s.pending.size(), t.pending.size()));
  };
  return sorted_difference(
      source.consumers, target.consumers, "consumer",
      [](const rdb::Consumer& consumer) { return Bytes(consumer.name); }, same_pending);
}

Found group_difference(const rdb::Group& source, const rdb::Group& target) {
  if (source.last_delivered_id != target.last_delivered_id)
    return metadata_difference(
        fmt::format("group {}: last delivered id: source {}, target {}", in_quotes(source.name),
                    id_text(source.last_delivered_id), id_text(target.last_delivered_id)));
  if (both_differ(source.entries_read, target.entries_read) && source.entries_read != -1 &&
      target.entries_read != -1)
    return metadata_difference(fmt::format("group {}: entries read: source {}, target {}",
                                           in_quotes(source.name), *source.entries_read,
                                           *target.entries_read));
  if (Found found = consumer_difference(source, target)) return found;
  return pending_difference(source, target);
}

Found stream_difference(const rdb::Stream& source, const rdb::Stream& target) {
  if (Found found = entries_difference(source, target)) return found;
  Found found = info_difference(source.info, target.info);
  if (!found) {
    found = sorted_difference(
        source.groups, target.groups, "group",
        [](const rdb::Group& group) { return Bytes(group.name); }, group_difference);
  }
  if (found) found->diff_class = DiffClass::metadata;
  return found;
}

rdb::Stream without_entries_read(rdb::Stream stream) {
  for (rdb::Group& group : stream.groups) group.entries_read.reset();
  return stream;
}

}  // namespace

std::optional<ValueDifference> first_difference(const rdb::Object& source,
                                                const rdb::Object& target,
                                                const Tolerance& tolerance) {
  if (const auto* stream = std::get_if<rdb::Stream>(&source); stream && !tolerance.entries_read) {
    Tolerance rest = tolerance;
    rest.entries_read = true;
    return first_difference(without_entries_read(*stream),
                            without_entries_read(std::get<rdb::Stream>(target)), rest);
  }
  if (rdb::same_value(source, target)) return std::nullopt;
  Found found;
  if (const auto* hash = std::get_if<rdb::Hash>(&source))
    return hash_difference(without_due(*hash, std::get<rdb::Hash>(target), false, tolerance),
                           without_due(std::get<rdb::Hash>(target), *hash, true, tolerance),
                           tolerance);
  if (const auto* string = std::get_if<rdb::String>(&source))
    found = string_difference(*string, std::get<rdb::String>(target));
  else if (const auto* list = std::get_if<rdb::List>(&source))
    found = list_difference(*list, std::get<rdb::List>(target));
  else if (const auto* set = std::get_if<rdb::Set>(&source))
    found = set_difference(*set, std::get<rdb::Set>(target));
  else if (const auto* zset = std::get_if<rdb::SortedSet>(&source))
    found = zset_difference(*zset, std::get<rdb::SortedSet>(target));
  else if (const auto* stream = std::get_if<rdb::Stream>(&source))
    found = stream_difference(*stream, std::get<rdb::Stream>(target));
  return found ? found : value_difference("the values differ");
}

std::string printable_expiry(std::optional<ExpireAt> at) {
  constexpr int64_t farthest_ms = 253402300799999;  // the year 9999
  if (!at) return "none";
  if (at->ms < 0 || at->ms > farthest_ms) return fmt::format("{} ms after 1970", at->ms);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03} UTC ({})",
                     fmt::gmtime(static_cast<time_t>(at->ms / 1000)), at->ms % 1000, at->ms);
}

}  // namespace lockstep::verifier
