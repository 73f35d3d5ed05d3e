#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "verifier/ledger.h"
#include "verifier/tolerance.h"

namespace lockstep::verifier {

/// Brings one partition of both sides together.
class Join {
 public:
  /// A key that must be read again: as each side has it, or null. A key that is on two nodes of one
  /// side may be given several times.
  using OnCandidate = std::function<void(const KeyEntry* source, const KeyEntry* target)>;

  Join(const Ledger& source, const Ledger& target, Tolerance tolerance, OnCandidate on_candidate)
      : source_(source),
        target_(target),
        tolerance_(tolerance),
        on_candidate_(std::move(on_candidate)) {}

  /// In about `memory_bytes`: reads the partition several times rather than hold more of it.
  /// Returns how many distinct keys there are.
  uint64_t run(size_t partition, size_t memory_bytes);
  size_t memory_bytes_max() const { return memory_max_; }

 private:
  struct Slot {
    const char* entry = nullptr;
    uint64_t tag = 0;  ///< 48 bits of the hash; below them what has been met beside the entry
  };
  static constexpr uint64_t tag_mask = ~uint64_t{0xffff};

  void begin(size_t partition, uint64_t slice, uint64_t slices);
  void take_all(const Ledger& ledger, size_t partition, SideName side);
  void take(SideName side, const char* bytes, const char* end, bool lasting);
  void meet(SideName side, const KeyEntry& entry, Slot& slot);
  void give(SideName side, const KeyEntry& entry);
  bool equal(const KeyEntry& source, const KeyEntry& target) const;
  Slot& probe(const KeyEntry& entry, uint64_t hash);
  void grow();
  const char* keep(const char* bytes, size_t size);
  void give_unmatched();

  const Ledger& source_;
  const Ledger& target_;
  Tolerance tolerance_;
  OnCandidate on_candidate_;
  size_t partition_ = 0;
  uint64_t slice_ = 0;
  uint64_t slices_ = 1;
  std::vector<Slot> slots_;
  size_t size_ = 0;
  std::vector<std::unique_ptr<char[]>> arena_;
  size_t arena_used_ = 0;
  size_t arena_capacity_ = 0;
  size_t arena_bytes_ = 0;
  size_t memory_max_ = 0;
};

}  // namespace lockstep::verifier
