#include "verifier/value_blocks.h"

#include <gtest/gtest.h>

#include <functional>

namespace lockstep::verifier {
namespace {

constexpr int members = 50'000;

std::string name(int i) { return "member " + std::to_string(i); }

/// A hash in that order, all but one field the same.
void give(rdb::Visitor& visitor, bool backwards, int changed) {
  for (int i = 0; i < members; ++i) {
    const int at = backwards ? members - 1 - i : i;
    visitor.on_hash_field(name(at), at == changed ? "other" : "value", std::nullopt);
  }
}

TEST(ValueBlocks, TheOrderOfMembersDoesNotMatter) {
  ValueBlocks source(rdb::Kind::hash), target(rdb::Kind::hash);
  give(source, false, -1);
  give(target, true, -1);
  EXPECT_EQ(source.elements(), static_cast<uint64_t>(members));
  EXPECT_EQ(source.digest(), target.digest());
  EXPECT_TRUE(ValueBlocks::differing(source, target).empty());
}

TEST(ValueBlocks, OneFieldLeadsToItsBlockAndItsBlockToTheField) {
  ValueBlocks source(rdb::Kind::hash), target(rdb::Kind::hash);
  give(source, false, -1);
  give(target, true, 777);
  EXPECT_NE(source.digest(), target.digest());
  const auto blocks = ValueBlocks::differing(source, target);
  ASSERT_EQ(blocks, std::vector<size_t>{ValueBlocks::block_of(name(777))});
  BlockMembers some(rdb::Kind::hash, blocks);
  give(some, true, 777);
  give(some, false, 777);  // a scan may give everything twice
  const rdb::Hash hash = std::get<rdb::Hash>(some.take());
  EXPECT_LT(hash.fields.size(), 200u);
  const auto changed = std::find_if(hash.fields.begin(), hash.fields.end(),
                                    [](const auto& field) { return field.value == "other"; });
  ASSERT_NE(changed, hash.fields.end());
  EXPECT_EQ(changed->field, name(777));
  EXPECT_EQ(std::count_if(hash.fields.begin(), hash.fields.end(),
                          [&](const auto& field) { return field.field == name(777); }),
            1);
}

TEST(ValueBlocks, AListByPlaceAndAStringByPieces) {
  ValueBlocks source(rdb::Kind::list), target(rdb::Kind::list);
  for (int i = 0; i < 5000; ++i) {
    source.on_list_item(name(i));
    target.on_list_item(name(i == 3000 ? 0 : i));
  }
  target.on_list_item("one more");
  EXPECT_EQ(ValueBlocks::differing(source, target),
            (std::vector<size_t>{3000 / ValueBlocks::items_per_block,
                                 5000 / ValueBlocks::items_per_block}));
  ValueBlocks text(rdb::Kind::string), longer(rdb::Kind::string);
  for (ValueBlocks* each : {&text, &longer}) each->on_string(std::string(1 << 20, 'x'));
  longer.on_string("y");
  EXPECT_EQ(ValueBlocks::differing(text, longer), std::vector<size_t>{1});
}

/// The cached cardinality of a HyperLogLog is not compared; bytes of a longer string all are.
TEST(ValueBlocks, APieceThatLooksLikeAHyperLogLogIsComparedAsItIs) {
  constexpr size_t header_bytes = 16, dense_bytes = 12288, cached_byte = 9;
  std::string piece(header_bytes + dense_bytes, '\0');
  piece.replace(0, 4, "HYLL");
  std::string other = piece;
  other[cached_byte] = 1;
  rdb::Digester one(rdb::Kind::string), two(rdb::Kind::string);
  one.on_string(piece);
  two.on_string(other);
  ASSERT_EQ(one.finish(), two.finish());  // as a whole string it is one
  ValueBlocks source(rdb::Kind::string), target(rdb::Kind::string);
  source.on_string(piece);
  target.on_string(other);
  EXPECT_EQ(ValueBlocks::differing(source, target), std::vector<size_t>{0});
}

}  // namespace
}  // namespace lockstep::verifier
