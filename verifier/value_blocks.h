#pragma once

#include <vector>

#include "sync/rdb/digest.h"
#include "sync/rdb/object.h"

namespace lockstep::verifier {

/// Digests of the parts of a big value, so that two of them can be compared part by part: members
/// of sets, hashes and sorted sets go apart by a part of their hash, the items of a list by their
/// place, a string by its pieces. No I/O.
class ValueBlocks : public rdb::Visitor {
 public:
  static constexpr size_t items_per_block = 1024;

  explicit ValueBlocks(rdb::Kind kind);
  void on_string(Bytes piece) override;
  void on_list_item(Bytes item) override;
  void on_set_member(Bytes member) override;
  void on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) override;
  void on_zset_member(Bytes member, double score) override;

  rdb::Kind kind() const { return kind_; }
  uint64_t elements() const { return elements_; }  ///< of a string: its bytes
  /// Of all of it.
  uint64_t digest() const;
  /// Those that are not the same in both, in order.
  static std::vector<size_t> differing(const ValueBlocks& source, const ValueBlocks& target);
  /// Of a member of a set, hash or sorted set.
  static size_t block_of(Bytes member);

 private:
  rdb::Digester& block(size_t index);

  rdb::Kind kind_;
  std::vector<rdb::Digester> blocks_;
  uint64_t elements_ = 0;
};

/// Collects the members that belong to some of the blocks.
class BlockMembers : public rdb::Visitor {
 public:
  BlockMembers(rdb::Kind kind, std::vector<size_t> blocks);
  void on_set_member(Bytes member) override;
  void on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) override;
  void on_zset_member(Bytes member, double score) override;
  /// Each once, also what a scan gave twice. To be called once.
  rdb::Object take();

 private:
  bool wanted(Bytes member) const;

  std::vector<size_t> blocks_;  ///< sorted
  rdb::ObjectBuilder members_;
};

}  // namespace lockstep::verifier
