#include "verifier/ledger.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "sync/base/error.h"

namespace lockstep::verifier {

namespace {

constexpr size_t block_bytes = 16 << 10;
/// What spilling writes for a partition at once is read back as a piece; larger ones are cut.
constexpr size_t extent_bytes_max = 4 << 20;

/// Before each extent of the file.
struct Header {
  static constexpr uint64_t magic_number = 0x4c6f636b73746570;  // "Lockstep"
  uint64_t magic = magic_number;
  uint64_t partition = 0;
  uint64_t bytes = 0;
  uint64_t hash = 0;  ///< of the entries
};

/// Of the bytes, however they are cut.
uint64_t hash_of(std::span<const Bytes> pieces) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const Bytes piece : pieces) XXH3_64bits_update(&state, piece.data(), piece.size());
  return XXH3_64bits_digest(&state);
}

[[noreturn]] void refuse(uint64_t offset) {
  throw UserError(fmt::format(
      "what was put aside of the keys is damaged at offset {}: remove the state file, if "
      "there is one, and begin anew",
      offset));
}

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

/// Spills before it would take more than is allowed. A block that is free has the usual size: it
/// makes room for a larger one only if it is given back.
Ledger::Block Ledger::new_block(size_t bytes) {
  const size_t wanted = std::max(bytes, block_bytes);
  const bool usual = wanted == block_bytes;
  if (!usual && memory_ + wanted > memory_max_) give_back_free();
  if ((!usual || free_.empty()) && memory_ + wanted > memory_max_) {
    spill();
    if (!usual) give_back_free();
  }
  if (usual && !free_.empty()) {
    Block block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  memory_ += wanted;
  return {.memory = std::unique_ptr<char[]>(new char[wanted]), .size = 0, .capacity = wanted};
}

void Ledger::give_back_free() {
  for (const Block& block : free_) memory_ -= block.capacity;
  free_.clear();
}

void Ledger::spill() {
  for (Partition& partition : partitions_) {
    std::vector<Bytes> pieces;
    uint64_t bytes = 0;
    for (const Block& block : partition.blocks) {
      if (bytes + block.size > extent_bytes_max) write_extent(partition, pieces, bytes), bytes = 0;
      pieces.emplace_back(block.memory.get(), block.size);
      bytes += block.size;
    }
    write_extent(partition, pieces, bytes);
    recycle(partition.blocks);
  }
}

void Ledger::write_extent(Partition& partition, std::vector<Bytes>& pieces, uint64_t bytes) {
  if (bytes == 0) return;
  const Header header{.partition = static_cast<uint64_t>(&partition - partitions_.data()),
                      .bytes = bytes,
                      .hash = hash_of(pieces)};
  const Bytes head(reinterpret_cast<const char*>(&header), sizeof header);
  spill_.append(std::span(&head, 1));
  partition.extents.push_back({spill_.append(pieces), bytes, header.hash});
  pieces.clear();
}

uint64_t Ledger::write_out() {
  spill();
  spill_.sync();
  return spill_.size();
}

void Ledger::resume(const std::filesystem::path& file, uint64_t bytes) {
  spill_.keep_as(file, bytes);
  for (uint64_t at = 0; at < bytes;) {
    Header header;
    if (bytes - at < sizeof header) refuse(at);
    spill_.read(at, reinterpret_cast<char*>(&header), sizeof header);
    at += sizeof header;
    if (header.magic != Header::magic_number || header.partition >= partition_count ||
        header.bytes > bytes - at)
      refuse(at);
    Partition& partition = partitions_[header.partition];
    partition.extents.push_back({at, header.bytes, header.hash});
    partition.bytes += header.bytes;
    at += header.bytes;
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
    const Bytes entries(memory.get(), extent.bytes);
    if (hash_of(std::span(&entries, 1)) != extent.hash) refuse(extent.offset);
    visit(entries, false);
  }
  for (const Block& block : partition.blocks) visit({block.memory.get(), block.size}, true);
}

void Ledger::drop(size_t index) {
  for (const Block& block : partitions_[index].blocks) memory_ -= block.capacity;
  partitions_[index].blocks.clear();
  give_back_free();
}

}  // namespace lockstep::verifier
