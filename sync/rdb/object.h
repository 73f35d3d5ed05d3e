#pragma once

#include <bit>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sync/rdb/decode.h"

namespace lockstep::rdb {

// A value of its own, for tests, explanations and exact comparison; the hot paths use a Visitor.
// Sets, hashes and sorted sets are sorted by member, so that equal values are equal objects
// whatever their encoding. Scores of -0 become 0, as the servers print them the same, and a NaN
// equals any other NaN.

struct String {
  std::string text;
  bool operator==(const String&) const = default;
};
struct List {
  std::vector<std::string> items;
  bool operator==(const List&) const = default;
};
struct Set {
  std::vector<std::string> members;
  bool operator==(const Set&) const = default;
};
struct HashField {
  std::string field;
  std::string value;
  std::optional<ExpireAt> expire_at{};
  auto operator<=>(const HashField&) const = default;
};
struct Hash {
  std::vector<HashField> fields;
  bool operator==(const Hash&) const = default;
};
struct ScoredMember {
  std::string member;
  double score = 0;
  bool operator==(const ScoredMember& other) const {
    return member == other.member &&
           std::bit_cast<uint64_t>(score) == std::bit_cast<uint64_t>(other.score);
  }
};
struct SortedSet {
  std::vector<ScoredMember> members;
  bool operator==(const SortedSet&) const = default;
};
struct StreamEntry {
  StreamId id;
  std::vector<std::pair<std::string, std::string>> fields;
  bool operator==(const StreamEntry&) const = default;
};
/// Without the times when it was last seen: they are no state.
struct Consumer {
  std::string name;
  std::vector<StreamId> pending;
  bool operator==(const Consumer&) const = default;
};
struct Group {
  std::string name;
  StreamId last_delivered_id;
  std::optional<int64_t> entries_read{};
  std::vector<PendingEntry> pending{};
  std::vector<Consumer> consumers{};
  bool operator==(const Group&) const = default;
};
struct Stream {
  std::vector<StreamEntry> entries;
  StreamInfo info;
  std::vector<Group> groups;
  bool operator==(const Stream&) const = default;
};
struct Module {
  std::string name;
  std::string raw;
  bool operator==(const Module&) const = default;
};
using Object = std::variant<String, List, Set, Hash, SortedSet, Stream, Module>;

/// Makes an object of what a decoder calls; parts of a large value may follow each other.
class ObjectBuilder : public Visitor {
 public:
  explicit ObjectBuilder(Kind kind);
  /// The value, sorted. Once.
  Object take();

  void on_string(Bytes text) override;
  void on_list_item(Bytes item) override;
  void on_set_member(Bytes member) override;
  void on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) override;
  void on_zset_member(Bytes member, double score) override;
  void on_stream_entry(StreamId id, std::span<const std::pair<Bytes, Bytes>> fields) override;
  void on_stream_info(const StreamInfo& info) override;
  void on_group(const StreamGroup& group) override;
  void on_group_pending(const PendingEntry& entry) override;
  void on_consumer(const StreamConsumer& consumer) override;
  void on_consumer_pending(StreamId id) override;
  void on_module(Bytes name, Bytes raw) override;

 private:
  Object object_;
};

/// Throws FormatError as decode().
Object decode_object(ValueType type, Bytes value);

/// Equal where both sides say something: what an older type of stream does not carry is no
/// difference.
bool same_value(const Object& a, const Object& b);

}  // namespace lockstep::rdb
