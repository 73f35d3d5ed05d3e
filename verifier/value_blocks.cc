#include "verifier/value_blocks.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace lockstep::verifier {

namespace {

constexpr int block_bits = 12;

}  // namespace

ValueBlocks::ValueBlocks(rdb::Kind kind) : kind_(kind) {}

size_t ValueBlocks::block_of(Bytes member) {
  return XXH3_64bits(member.data(), member.size()) >> (64 - block_bits);
}

rdb::Digester& ValueBlocks::block(size_t index) {
  while (blocks_.size() <= index) blocks_.emplace_back(kind_);
  return blocks_[index];
}

void ValueBlocks::on_string(Bytes piece) {
  if (piece.empty()) return;
  block(blocks_.size()).on_list_item(piece);  // a piece that looks like a HyperLogLog is none
  elements_ += piece.size();
}

void ValueBlocks::on_list_item(Bytes item) {
  block(elements_++ / items_per_block).on_list_item(item);
}

void ValueBlocks::on_set_member(Bytes member) {
  block(block_of(member)).on_set_member(member);
  ++elements_;
}

void ValueBlocks::on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) {
  block(block_of(field)).on_hash_field(field, value, expire_at);
  ++elements_;
}

void ValueBlocks::on_zset_member(Bytes member, double score) {
  block(block_of(member)).on_zset_member(member, score);
  ++elements_;
}

uint64_t ValueBlocks::digest() const {
  uint64_t digest = elements_;
  for (const rdb::Digester& each : blocks_) {
    const uint64_t words[2] = {digest, each.finish().low};
    digest = XXH3_64bits(words, sizeof words);
  }
  return digest;
}

std::vector<size_t> ValueBlocks::differing(const ValueBlocks& source, const ValueBlocks& target) {
  const rdb::Digest128 none = rdb::Digester(source.kind_).finish();
  const auto digest = [&none](const ValueBlocks& value, size_t index) {
    return index < value.blocks_.size() ? value.blocks_[index].finish() : none;
  };
  std::vector<size_t> result;
  for (size_t i = 0; i < std::max(source.blocks_.size(), target.blocks_.size()); ++i) {
    if (digest(source, i) != digest(target, i)) result.push_back(i);
  }
  return result;
}

BlockMembers::BlockMembers(rdb::Kind kind, std::vector<size_t> blocks)
    : blocks_(std::move(blocks)), members_(kind) {}

bool BlockMembers::wanted(Bytes member) const {
  return std::binary_search(blocks_.begin(), blocks_.end(), ValueBlocks::block_of(member));
}

rdb::Object BlockMembers::take() {
  rdb::Object object = members_.take();
  const auto each_once = [](auto& members, auto same) {
    members.erase(std::unique(members.begin(), members.end(), same), members.end());
  };
  if (auto* set = std::get_if<rdb::Set>(&object)) {
    each_once(set->members, std::equal_to<>());
  } else if (auto* hash = std::get_if<rdb::Hash>(&object)) {
    each_once(hash->fields, [](const auto& a, const auto& b) { return a.field == b.field; });
  } else if (auto* zset = std::get_if<rdb::SortedSet>(&object)) {
    each_once(zset->members, [](const auto& a, const auto& b) { return a.member == b.member; });
  }
  return object;
}

void BlockMembers::on_set_member(Bytes member) {
  if (wanted(member)) members_.on_set_member(member);
}

void BlockMembers::on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) {
  if (wanted(field)) members_.on_hash_field(field, value, expire_at);
}

void BlockMembers::on_zset_member(Bytes member, double score) {
  if (wanted(member)) members_.on_zset_member(member, score);
}

}  // namespace lockstep::verifier
