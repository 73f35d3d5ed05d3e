#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/rdb/format.h"

namespace lockstep::verifier {

enum class SideName : uint8_t { source, target };

/// 128 bits that stand for a key of a database.
struct KeyHash {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const KeyHash&) const = default;
};
KeyHash hash_key(DbIndex db, Bytes key);

inline constexpr uint32_t node_max = 2047;

/// What is kept of a key until the other side's arrives: 32 bytes, no name.
///
///     | key hash 16 | value digest 8 | expiry 48 bits | node 11 | kind 3 | side 1 | used 1 |
struct alignas(32) KeyRecord {  // so that none straddles two cache lines
  KeyRecord() = default;
  KeyRecord(KeyHash key, uint64_t digest, rdb::Kind kind, std::optional<ExpireAt> expire_at,
            SideName side, uint32_t node);

  bool used() const { return (packed_ & 1) != 0; }
  SideName side() const { return static_cast<SideName>((packed_ >> 1) & 1); }
  rdb::Kind kind() const { return static_cast<rdb::Kind>((packed_ >> 2) & 7); }
  uint32_t node() const { return static_cast<uint32_t>((packed_ >> 5) & node_max); }
  /// Saturates some 8,900 years after the epoch.
  std::optional<ExpireAt> expire_at() const;

  KeyHash key;
  uint64_t digest = 0;

 private:
  uint64_t packed_ = 0;
};

/// Aligned for KeyRecord, in huge pages where it is large and the system has them: a table is
/// visited at random, and finding the page costs as much as reading it. To be freed.
void* allocate_huge(size_t bytes);

template <class T>
struct HugePages {
  using value_type = T;
  HugePages() = default;
  template <class U>
  explicit HugePages(const HugePages<U>&) {}
  T* allocate(size_t count) { return static_cast<T*>(allocate_huge(count * sizeof(T))); }
  void deallocate(T* memory, size_t) { std::free(memory); }
  bool operator==(const HugePages&) const { return true; }
};

/// The keys of one side that the other side has not shown yet. A key's second arrival takes the
/// first one out, so the table holds what is unmatched, however large the sides are. Open
/// addressing, linear probing, no tombstones.
class KeyTable {
 public:
  /// If the key is absent, inserts `record`. If it is there from the other side, takes that out and
  /// returns it. If it is there from the same side, leaves and returns it.
  std::optional<KeyRecord> exchange(const KeyRecord& record);
  /// Fetches what exchange() of this key will look at: a miss of the cache costs more than all else
  /// that is done with a key.
  void prefetch(KeyHash key) const { __builtin_prefetch(&slots_[home(key)], 1); }
  const KeyRecord* find(KeyHash key) const;
  size_t size() const { return size_; }
  size_t bytes_max() const { return bytes_max_; }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const KeyRecord& record : slots_) {
      if (record.used()) visit(record);
    }
  }

 private:
  size_t home(KeyHash key) const { return key.low & (slots_.size() - 1); }
  size_t next(size_t index) const { return (index + 1) & (slots_.size() - 1); }
  size_t probe(KeyHash key) const;
  void erase(size_t index);
  void grow();

  using Slots = std::vector<KeyRecord, HugePages<KeyRecord>>;
  Slots slots_ = Slots(1024);
  size_t size_ = 0;
  size_t bytes_max_ = 0;
};

}  // namespace lockstep::verifier
