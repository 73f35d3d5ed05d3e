#include "verifier/key_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace lockstep::verifier {
namespace {

KeyRecord record(const std::string& key, SideName side, uint32_t node = 0) {
  return {hash_key(DbIndex{0}, key), 1, rdb::Kind::string, std::nullopt, side, node};
}

RC_GTEST_PROP(KeyRecord, keeps_what_it_was_made_of, ()) {
  const auto kind = static_cast<rdb::Kind>(*rc::gen::inRange(0, 7));
  const auto side = static_cast<SideName>(*rc::gen::inRange(0, 2));
  const auto node = *rc::gen::inRange<uint32_t>(0, node_max + 1);
  std::optional<ExpireAt> at;
  if (*rc::gen::arbitrary<bool>()) at = ExpireAt{*rc::gen::inRange<int64_t>(0, 1ll << 47)};
  const KeyRecord made({1, 2}, 3, kind, at, side, node);
  RC_ASSERT(made.used());
  RC_ASSERT(made.kind() == kind);
  RC_ASSERT(made.side() == side);
  RC_ASSERT(made.node() == node);
  RC_ASSERT(made.expire_at() == at);
}

TEST(KeyRecord, FarExpiriesSaturateAndStayExpiries) {
  const KeyRecord made({1, 2}, 3, rdb::Kind::set, ExpireAt{INT64_MAX}, SideName::target, 0);
  EXPECT_TRUE(made.expire_at());
  EXPECT_EQ(made.side(), SideName::target);
}

TEST(HashKey, SameNameInAnotherDatabaseIsAnotherKey) {
  EXPECT_FALSE(hash_key(DbIndex{0}, "k") == hash_key(DbIndex{1}, "k"));
}

/// Against a map that does the same slowly. Few keys, so that they meet, are taken out and return.
RC_GTEST_PROP(KeyTable, does_as_a_map_does, ()) {
  using Arrival = std::pair<int, bool>;
  const auto arrivals = *rc::gen::container<std::vector<Arrival>>(
      rc::gen::pair(rc::gen::inRange(0, 3000), rc::gen::arbitrary<bool>()));
  KeyTable table;
  std::map<int, SideName> model;
  for (const auto& [number, on_target] : arrivals) {
    const SideName side = on_target ? SideName::target : SideName::source;
    const auto held = table.exchange(record(std::to_string(number), side));
    const auto expected = model.find(number);
    RC_ASSERT(held.has_value() == (expected != model.end()));
    if (!held) {
      model[number] = side;
    } else if (expected->second != side) {
      RC_ASSERT(held->side() == expected->second);
      model.erase(expected);
    }
    RC_ASSERT(table.size() == model.size());
  }
  for (int number = 0; number < 3000; ++number) {
    const bool there = table.find(hash_key(DbIndex{0}, std::to_string(number))) != nullptr;
    RC_ASSERT(there == model.contains(number));
  }
}

/// Whatever the order of arrival, what one side alone has remains, and nothing else.
TEST(KeyTable, WhatBothSidesHaveVanishes) {
  KeyTable table;
  constexpr int count = 20000;
  for (int i = 0; i < count; ++i) {
    table.exchange(record("k" + std::to_string(i), SideName::source));
    table.exchange(record("k" + std::to_string((i * 7919 + 1) % count), SideName::target));
  }
  EXPECT_EQ(table.size(), 0u);
  table.exchange(record("lonely", SideName::target, 7));
  size_t left = 0;
  table.for_each([&](const KeyRecord& each) { left += each.node(); });
  EXPECT_EQ(left, 7u);
}

}  // namespace
}  // namespace lockstep::verifier
