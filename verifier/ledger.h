#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "verifier/key_entry.h"
#include "verifier/spill_file.h"

namespace lockstep::verifier {

/// The keys of one side as they come, apart by a part of their hash so that both sides can be
/// brought together piece by piece. What exceeds the memory goes into a file.
///
///     partition 0    | block | block | …  in memory, and extents in the file
///     partition 1    | block | …
class Ledger {
 public:
  static constexpr size_t partition_count = 256;
  static size_t partition_of(uint64_t hash) { return hash >> 56; }

  /// `memory_bytes`: of entries; beyond them is a little for the blocks that are not full.
  Ledger(size_t memory_bytes, std::filesystem::path spill_directory);

  void add(const KeyEntry& entry, uint64_t hash);
  /// Called with pieces that hold whole entries. `lasting`: the bytes live as long as the ledger
  /// is not changed, else for the call only.
  using Visit = std::function<void(Bytes entries, bool lasting)>;
  void read(size_t partition, const Visit& visit) const;
  /// Bytes of a partition's entries.
  uint64_t partition_bytes(size_t partition) const { return partitions_[partition].bytes; }
  /// Gives back what a partition takes in memory.
  void drop(size_t partition);

  /// Puts everything into the file and has the disk hold it; returns the file's length.
  uint64_t write_out();
  /// Goes on with a file of that length that another process wrote. Throws UserError if its bytes
  /// are not those.
  void resume(const std::filesystem::path& file, uint64_t bytes);

  size_t memory_bytes() const { return memory_; }
  uint64_t spilled_bytes() const { return spill_.size(); }

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    size_t size = 0;
    size_t capacity = 0;
  };
  /// Of the file: behind a header.
  struct Extent {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    uint64_t hash = 0;
  };
  struct Partition {
    std::vector<Block> blocks;
    std::vector<Extent> extents;
    uint64_t bytes = 0;
  };

  Block& room(Partition& partition, size_t bytes);
  Block new_block(size_t bytes);
  void give_back_free();
  void spill();
  void write_extent(Partition& partition, std::vector<Bytes>& pieces, uint64_t bytes);
  void recycle(std::vector<Block>& blocks);

  size_t memory_max_;
  size_t memory_ = 0;  ///< of all blocks, used or free
  std::array<Partition, partition_count> partitions_;
  std::vector<Block> free_;  ///< of the usual size
  SpillFile spill_;
};

}  // namespace lockstep::verifier
