#include "verifier/scope.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "verifier/glob.h"

namespace lockstep::verifier {
namespace {

std::string name(int number) { return "user:" + std::to_string(number); }

/// Each key is in one part and one alone, and every part has its share.
RC_GTEST_PROP(Scope, parts_are_disjoint_and_complete, ()) {
  const auto count = *rc::gen::inRange<uint32_t>(1, 9);
  std::vector<Scope> parts;
  for (uint32_t i = 1; i <= count; ++i)
    parts.emplace_back(ScopeOptions{.part = fmt::format("{}/{}", i, count)});
  std::vector<int> sizes(count);
  for (int k = 0; k < 2000; ++k) {
    int taken = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const bool mine = parts[i].take(DbIndex{3}, name(k)) == Take::yes;
      taken += mine, sizes[i] += mine;
    }
    RC_ASSERT(taken == 1);
  }
  for (const int size : sizes) RC_ASSERT(size > 2000 / static_cast<int>(count) / 2);
}

TEST(Scope, ASampleHasItsShareAndIsCounted) {
  const Scope scope(ScopeOptions{.sample = "5%"});
  int sampled = 0;
  for (int k = 0; k < 100'000; ++k) {
    const Take take = scope.take(DbIndex{0}, name(k));
    EXPECT_NE(take, Take::no);
    sampled += take == Take::yes;
  }
  EXPECT_NEAR(sampled, 5000, 5 * std::sqrt(100'000 * 0.05 * 0.95));
}

TEST(Scope, FlagsHoldTogether) {
  const uint16_t slot = cluster::slot_of("user:1").value;
  const Scope scope(
      ScopeOptions{.db = {1, 2}, .match = "user:*", .slots = fmt::format("7,{}-{}", slot, slot)});
  EXPECT_EQ(scope.take(DbIndex{1}, "user:1"), Take::yes);
  EXPECT_EQ(scope.take(DbIndex{0}, "user:1"), Take::no);
  EXPECT_EQ(scope.take(DbIndex{1}, "user:2"), Take::no);
  EXPECT_EQ(scope.take(DbIndex{2}, "{user:1}user"), Take::no);
  EXPECT_EQ(scope.describe().size(), 3u);
  EXPECT_TRUE(scope.slots()->test(7));
}

TEST(Scope, WithoutFlagsItIsEverything) {
  const Scope scope(ScopeOptions{});
  EXPECT_TRUE(scope.everything());
  EXPECT_TRUE(scope.takes(rdb::Kind::module));
  EXPECT_TRUE(scope.describe().empty());
}

TEST(Scope, WhatCannotBeMeantIsRefusedByName) {
  const auto refusal = [](ScopeOptions options) {
    try {
      const Scope scope(std::move(options));
    } catch (const UserError& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_arguments);
      return std::string(error.what());
    }
    return std::string("taken");
  };
  for (const char* slots : {"5-3", "16384", "a", "1-", "-1", "1,,2", "1 2", "0-65537"})
    EXPECT_TRUE(refusal({.slots = slots}).starts_with("--slots")) << slots;
  for (const char* part : {"0/3", "4/3", "1", "1/", "/2", "1/0", "x/2", "1/2/3"})
    EXPECT_TRUE(refusal({.part = part}).starts_with("--part")) << part;
  for (const char* sample : {"0%", "-1%", "101%", "1", "%", "nan%", "1%%"})
    EXPECT_TRUE(refusal({.sample = sample}).starts_with("--sample")) << sample;
  EXPECT_TRUE(refusal({.type = "array"}).starts_with("--type"));
  EXPECT_EQ(refusal({.slots = "0-16383", .part = "3/3", .sample = "100%"}), "taken");
}

/// Without a difference the bound is 1 - 0.05^(1/n), the "rule of three".
TEST(Sample, TheBoundIsThatOfClopperAndPearson) {
  EXPECT_EQ(differing_at_most(1'000'000, 300, 0), 9937u);
  EXPECT_EQ(differing_at_most(1'000'000, 10'000, 0), 300u);
  EXPECT_EQ(differing_at_most(1'000'000, 100, 5), 102'254u);  // tables: 0.1023
  EXPECT_EQ(differing_at_most(100, 100, 3), 3u);
  EXPECT_EQ(differing_at_most(100, 0, 0), 100u);
  const uint64_t many = differing_at_most(10'000'000, 1'000'000, 100'000);
  EXPECT_GT(many, 1'000'000u);
  EXPECT_LT(many, 1'006'000u);
}

/// The definition, slowly.
bool matches(Bytes pattern, Bytes text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  if (text.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == text[0]) && matches(pattern.substr(1), text.substr(1));
}

RC_GTEST_PROP(Glob, stars_and_questions_as_defined, ()) {
  // Short: the definition takes exponential time.
  auto pattern = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab*?")));
  auto text =
      *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab"))));
  pattern.resize(std::min<size_t>(pattern.size(), 8));
  text.resize(std::min<size_t>(text.size(), 10));
  RC_ASSERT(glob_match(pattern, text) == matches(pattern, text));
}

TEST(Glob, Classes) {
  EXPECT_TRUE(glob_match("h[a-e]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[^a-e]llo", "hallo"));
  EXPECT_TRUE(glob_match("\\*[\\]]x", "*]x"));
  EXPECT_FALSE(glob_match("a[", "a"));
}

}  // namespace
}  // namespace lockstep::verifier
