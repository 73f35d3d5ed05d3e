#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "sync/rdb/decode.h"

namespace lockstep::rdb {

/// 128 bits that stand for a value. Random damage is found; somebody who builds collisions is not.
struct Digest128 {
  uint64_t low = 0;
  uint64_t high = 0;
  auto operator<=>(const Digest128&) const = default;
  Digest128& operator+=(Digest128 other) {
    low += other.low;
    high += other.high;
    return *this;
  }
};

/// Makes the digest of what a decoder calls. It does not depend on the encoding, nor on the order
/// of the members of sets, hashes and sorted sets; -0 counts as 0, and any NaN as any other. A
/// stream counts with its info (what an old type does not say, as a server that loads it takes it),
/// groups, consumers and pending entries, without seen times. A HyperLogLog counts by its
/// registers, without encoding and cached cardinality.
class Digester : public Visitor {
 public:
  explicit Digester(Kind kind) : kind_(kind) {}
  Digest128 finish() const;

  /// REQUIRES: one call for the whole string. Pieces: see StringDigester.
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
  void add(Digest128 element) { sum_ += element, ++count_; }

  Kind kind_;
  Digest128 sum_;
  uint64_t count_ = 0;
  uint64_t group_ = 0;     ///< hash of the group's name
  uint64_t consumer_ = 0;  ///< hash of group and consumer
  std::optional<StreamId> first_entry_{};
};

/// The digest of a string that arrives in pieces: the same as that of the whole.
class StringDigester {
 public:
  StringDigester();
  ~StringDigester();
  StringDigester(const StringDigester&) = delete;
  StringDigester& operator=(const StringDigester&) = delete;
  void add(Bytes piece);
  Digest128 finish() const;

 private:
  struct State;
  State* state_;
};

/// Throws FormatError as decode().
Digest128 value_digest(ValueType type, Bytes value);

}  // namespace lockstep::rdb
