#include "verifier/key_table.h"

#define XXH_INLINE_ALL
#include <sys/mman.h>
#include <xxhash.h>

#include <algorithm>
#include <new>

#include "sync/base/error.h"

namespace lockstep::verifier {

namespace {

constexpr int expiry_shift = 16;
constexpr int64_t expiry_max = (int64_t{1} << 48) - 2;

uint64_t pack_expiry(std::optional<ExpireAt> at) {
  return at ? static_cast<uint64_t>(std::clamp<int64_t>(at->ms, 0, expiry_max)) + 1 : 0;
}

constexpr size_t huge_page_bytes = 2 << 20;

}  // namespace

void* allocate_huge(size_t bytes) {
  const size_t whole = (bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
  const size_t alignment = whole > 2 * bytes ? alignof(KeyRecord) : huge_page_bytes;
  void* memory = std::aligned_alloc(alignment, alignment == huge_page_bytes ? whole : bytes);
  if (!memory) throw std::bad_alloc();
  if (alignment == huge_page_bytes) ::madvise(memory, whole, MADV_HUGEPAGE);  // best effort
  return memory;
}

KeyHash hash_key(DbIndex db, Bytes key) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(key.data(), key.size(), db.value);
  return {hash.low64, hash.high64};
}

KeyRecord::KeyRecord(KeyHash key_hash, uint64_t value_digest, rdb::Kind kind,
                     std::optional<ExpireAt> expire_at, SideName side, uint32_t node)
    : key(key_hash),
      digest(value_digest),
      packed_(pack_expiry(expire_at) << expiry_shift | static_cast<uint64_t>(node) << 5 |
              static_cast<uint64_t>(kind) << 2 | static_cast<uint64_t>(side) << 1 | 1) {
  LOCKSTEP_ASSERT(node <= node_max);
}

std::optional<ExpireAt> KeyRecord::expire_at() const {
  const uint64_t packed = packed_ >> expiry_shift;
  if (packed == 0) return std::nullopt;
  return ExpireAt{static_cast<int64_t>(packed - 1)};
}

size_t KeyTable::probe(KeyHash key) const {
  size_t index = home(key);
  while (slots_[index].used() && slots_[index].key != key) index = next(index);
  return index;
}

std::optional<KeyRecord> KeyTable::exchange(const KeyRecord& record) {
  const size_t index = probe(record.key);
  if (slots_[index].used()) {
    const KeyRecord held = slots_[index];
    if (held.side() != record.side()) erase(index);
    return held;
  }
  slots_[index] = record;
  if (++size_ * 4 > slots_.size() * 3) grow();
  return std::nullopt;
}

const KeyRecord* KeyTable::find(KeyHash key) const {
  const KeyRecord& slot = slots_[probe(key)];
  return slot.used() ? &slot : nullptr;
}

/// Moves back what stands behind the gap and would no longer be found from its home.
void KeyTable::erase(size_t gap) {
  for (size_t i = next(gap); slots_[i].used(); i = next(i)) {
    const size_t mask = slots_.size() - 1;
    const size_t distance_home = (i - home(slots_[i].key)) & mask;
    const size_t distance_gap = (i - gap) & mask;
    if (distance_home < distance_gap) continue;
    slots_[gap] = slots_[i];
    gap = i;
  }
  slots_[gap] = KeyRecord();
  --size_;
}

void KeyTable::grow() {
  Slots old(slots_.size() * 2);
  bytes_max_ = (old.size() + slots_.size()) * sizeof(KeyRecord);
  old.swap(slots_);
  for (const KeyRecord& record : old) {
    if (record.used()) slots_[probe(record.key)] = record;
  }
}

}  // namespace lockstep::verifier
