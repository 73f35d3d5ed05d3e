#include "verifier/ledger.h"

#include <algorithm>

namespace lockstep::verifier {

namespace {

constexpr size_t block_bytes = 16 << 10;
/// What spilling writes for a partition at once is read back as a piece; larger ones are cut.
constexpr size_t extent_bytes_max = 4 << 20;

}  // namespace

Ledger::Ledger(size_t memory_bytes, std::filesystem::path spill_directory)
    : memory_max_(memory_bytes), spill_(std::move(spill_directory)) {}

void Ledger::add(const KeyEntry& entry, uint64_t hash) {
  Partition& partition = partitions_[partition_of(hash)];
  Block& block = room(partition, entry_bytes_max(entry));
  char* begin = block.memory.get() + block.size;
  const auto bytes = static_cast<size_t>(write_entry(begin, entry) - begin);
  block.size += bytes;
  partition.bytes += bytes;
}

Ledger::Block& Ledger::room(Partition& partition, size_t bytes) {
  std::vector<Block>& blocks = partition.blocks;
  if (blocks.empty() || blocks.back().capacity - blocks.back().size < bytes) {
    Block block = new_block(bytes);
    blocks.push_back(std::move(block));
  }
  return blocks.back();
}

/// Spills before it would take more than is allowed.
Ledger::Block Ledger::new_block(size_t bytes) {
  const size_t wanted = std::max(bytes, block_bytes);
  if (free_.empty() && memory_ + wanted > memory_max_) spill();
  if (!free_.empty() && wanted == block_bytes) {
    Block block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  memory_ += wanted;
  return {.memory = std::unique_ptr<char[]>(new char[wanted]), .size = 0, .capacity = wanted};
}

void Ledger::spill() {
  for (Partition& partition : partitions_) {
    std::vector<Bytes> pieces;
    uint64_t bytes = 0;
    const auto write = [&] {
      if (bytes > 0) partition.extents.push_back({spill_.append(pieces), bytes});
      pieces.clear();
      bytes = 0;
    };
    for (const Block& block : partition.blocks) {
      if (bytes + block.size > extent_bytes_max) write();
      pieces.emplace_back(block.memory.get(), block.size);
      bytes += block.size;
    }
    write();
    recycle(partition.blocks);
  }
}

void Ledger::recycle(std::vector<Block>& blocks) {
  for (Block& block : blocks) {
    if (block.capacity != block_bytes) {
      memory_ -= block.capacity;
      continue;
    }
    block.size = 0;
    free_.push_back(std::move(block));
  }
  blocks.clear();
}

void Ledger::read(size_t index, const Visit& visit) const {
  const Partition& partition = partitions_[index];
  std::unique_ptr<char[]> memory;
  size_t capacity = 0;
  for (const Extent& extent : partition.extents) {
    if (extent.bytes > capacity) {
      capacity = extent.bytes;
      memory.reset(new char[capacity]);
    }
    spill_.read(extent.offset, memory.get(), extent.bytes);
    visit({memory.get(), extent.bytes}, false);
  }
  for (const Block& block : partition.blocks) visit({block.memory.get(), block.size}, true);
}

void Ledger::drop(size_t index) {
  for (const Block& block : partitions_[index].blocks) memory_ -= block.capacity;
  partitions_[index].blocks.clear();
  for (const Block& block : free_) memory_ -= block.capacity;
  free_.clear();
}

}  // namespace lockstep::verifier
