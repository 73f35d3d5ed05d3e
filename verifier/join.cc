#include "verifier/join.h"

#include <algorithm>
#include <cstring>

namespace lockstep::verifier {

namespace {

// Below a slot's tag: whose the entry is, and where the other side's is.
constexpr uint64_t target_first = 1 << 15;
constexpr uint64_t other_node_mask = target_first - 1;  ///< plus one; 0: not met

constexpr size_t slots_min = 1024;
constexpr size_t arena_chunk_bytes = 256 << 10;
/// A slot in a table that is half full, and what its entry takes at least, in a slice.
constexpr size_t overhead_factor = 3;
constexpr uint64_t slices_max = 256;

uint64_t tag_of(uint64_t hash) { return hash << 16; }
uint64_t slice_of(uint64_t hash, uint64_t slices) { return (hash >> 48 & 0xff) % slices; }

}  // namespace

uint64_t Join::run(size_t partition, size_t memory_bytes) {
  const uint64_t bytes = source_.partition_bytes(partition) + target_.partition_bytes(partition);
  const uint64_t slices = std::clamp<uint64_t>(
      bytes * overhead_factor / std::max<size_t>(memory_bytes, 1) + 1, 1, slices_max);
  uint64_t distinct = 0;
  for (uint64_t slice = 0; slice < slices; ++slice) {
    begin(partition, slice, slices);
    take_all(source_, partition, SideName::source);
    take_all(target_, partition, SideName::target);
    give_unmatched();
    distinct += size_;
  }
  return distinct;
}

void Join::begin(size_t partition, uint64_t slice, uint64_t slices) {
  partition_ = partition;
  slice_ = slice;
  slices_ = slices;
  slots_.assign(std::max(slots_.size(), slots_min), Slot());
  size_ = 0;
  arena_.clear();
  arena_used_ = arena_capacity_ = arena_bytes_ = 0;
}

void Join::take_all(const Ledger& ledger, size_t partition, SideName side) {
  ledger.read(partition, [this, side](Bytes entries, bool lasting) {
    take(side, entries.data(), entries.data() + entries.size(), lasting);
  });
}

void Join::take(SideName side, const char* at, const char* end, bool lasting) {
  KeyEntry entry;
  while (at != end) {
    const char* next = read_entry(at, entry);
    const uint64_t hash = entry.hash();
    if (slices_ == 1 || slice_of(hash, slices_) == slice_) {
      Slot& slot = probe(entry, hash);
      if (slot.entry) {
        meet(side, entry, slot);
      } else {
        slot.entry = lasting ? at : keep(at, static_cast<size_t>(next - at));
        slot.tag = tag_of(hash) | (side == SideName::target ? target_first : 0);
        if (++size_ * 2 > slots_.size()) grow();
      }
    }
    at = next;
  }
}

/// The key has been met before. SCAN may give a key twice; two nodes that have it are another
/// matter.
void Join::meet(SideName side, const KeyEntry& entry, Slot& slot) {
  const SideName first_side = (slot.tag & target_first) ? SideName::target : SideName::source;
  const uint64_t other_node = slot.tag & other_node_mask;
  KeyEntry first;
  read_entry(slot.entry, first);
  if (side == first_side) {
    if (entry.node != first.node) give(side, first), give(side, entry);
  } else if (other_node != 0) {
    if (entry.node + 1 != other_node) give(side, entry), give(first_side, first);
  } else {
    slot.tag |= entry.node + 1;
    if (!equal(first, entry)) on_candidate_(&first, &entry);
  }
}

void Join::give(SideName side, const KeyEntry& entry) {
  const bool on_source = side == SideName::source;
  on_candidate_(on_source ? &entry : nullptr, on_source ? nullptr : &entry);
}

bool Join::equal(const KeyEntry& source, const KeyEntry& target) const {
  return source.kind == target.kind && source.digest == target.digest && !source.unread &&
         !target.unread && tolerance_.same(source.expire_at, target.expire_at);
}

Join::Slot& Join::probe(const KeyEntry& entry, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  const uint64_t tag = tag_of(hash);
  KeyEntry other;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& slot = slots_[i];
    if (!slot.entry) return slot;
    if ((slot.tag & tag_mask) != tag) continue;
    read_entry(slot.entry, other);
    if (other.same_key(entry)) return slot;
  }
}

void Join::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (!slot.entry) continue;
    size_t i = (slot.tag >> 16) & mask;
    while (slots_[i].entry) i = (i + 1) & mask;
    slots_[i] = slot;
  }
  memory_max_ = std::max(memory_max_, (slots_.size() + old.size()) * sizeof(Slot) + arena_bytes_);
}

const char* Join::keep(const char* bytes, size_t size) {
  if (arena_capacity_ - arena_used_ < size) {
    arena_capacity_ = std::max(size, arena_chunk_bytes);
    arena_.emplace_back(new char[arena_capacity_]);
    arena_used_ = 0;
    arena_bytes_ += arena_capacity_;
    memory_max_ = std::max(memory_max_, slots_.size() * sizeof(Slot) + arena_bytes_);
  }
  char* to = arena_.back().get() + arena_used_;
  std::memcpy(to, bytes, size);
  arena_used_ += size;
  return to;
}

void Join::give_unmatched() {
  KeyEntry entry;
  for (const Slot& slot : slots_) {
    if (!slot.entry || (slot.tag & other_node_mask) != 0) continue;
    read_entry(slot.entry, entry);
    give((slot.tag & target_first) ? SideName::target : SideName::source, entry);
  }
}

}  // namespace lockstep::verifier
