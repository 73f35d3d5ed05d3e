#include "verifier/cut_state.h"

#include <gtest/gtest.h>

namespace lockstep::verifier {
namespace {

constexpr std::array<int64_t, 2> at_cut{1'000'000, 1'000'000};

Candidate key(std::optional<SeenState> source, std::optional<SeenState> target) {
  Candidate candidate;
  candidate.key = "k";
  candidate.seen_whole = true;
  candidate.seen = {source, target};
  return candidate;
}

SeenState string(uint64_t digest, std::optional<ExpireAt> expire_at = std::nullopt) {
  return {digest, rdb::Kind::string, expire_at};
}

std::string told(const Candidate& candidate, const Tolerance& tolerance = {}) {
  const CutState state = state_at_cut(candidate, tolerance, at_cut);
  if (state.kind == CutState::Kind::unknown) return "unknown";
  if (state.kind == CutState::Kind::expired) return "expired";
  return diff_class_name(state.diff_class);
}

TEST(CutState, OneSided) {
  EXPECT_EQ(told(key(string(1), std::nullopt)), "missing");
  EXPECT_EQ(told(key(std::nullopt, string(1))), "extra");
  EXPECT_EQ(told(key(std::nullopt, std::nullopt)), "unknown");
}

TEST(CutState, OneSidedWithAnExpiry) {
  EXPECT_EQ(told(key(string(1, ExpireAt{1'000'500}), std::nullopt)), "expired");
  EXPECT_EQ(told(key(string(1, ExpireAt{1'005'000}), std::nullopt)), "missing");
  const Tolerance grace{milliseconds(1000), milliseconds(60'000)};
  EXPECT_EQ(told(key(std::nullopt, string(1, ExpireAt{1'060'000})), grace), "expired");
  EXPECT_EQ(told(key(std::nullopt, string(1, ExpireAt{1'065'000})), grace), "extra");
}

/// It may have gone on the other side while the target's snapshot was waited for.
TEST(CutState, TheLaterClockDecides) {
  const Candidate gone = key(string(1, ExpireAt{1'003'000}), std::nullopt);
  EXPECT_EQ(state_at_cut(gone, {}, {1'000'000, 1'004'000}).kind, CutState::Kind::expired);
  EXPECT_EQ(state_at_cut(gone, {}, {1'000'000, 1'001'000}).kind, CutState::Kind::different);
}

TEST(CutState, OnBothSides) {
  EXPECT_EQ(told(key(string(1), string(2))), "value");
  EXPECT_EQ(told(key(string(1), SeenState{1, rdb::Kind::list, std::nullopt})), "type");
  EXPECT_EQ(told(key(string(1, ExpireAt{2'000'000}), string(1))), "expiry");
  EXPECT_EQ(told(key(string(1, ExpireAt{2'000'000}), string(1, ExpireAt{2'000'900}))), "unknown");
}

/// Whose digests a tolerance does not see.
TEST(CutState, DigestsThatDoNotDecide) {
  for (const rdb::Kind kind : {rdb::Kind::hash, rdb::Kind::stream, rdb::Kind::module}) {
    const SeenState one{1, kind, std::nullopt}, other{2, kind, std::nullopt};
    EXPECT_EQ(told(key(one, other)), "unknown");
  }
}

TEST(CutState, AsSeen) {
  Reading reading;
  EXPECT_TRUE(as_seen(std::nullopt, reading, 0));
  EXPECT_FALSE(as_seen(string(1), reading, 0));
  reading.payload = "p";
  EXPECT_FALSE(as_seen(std::nullopt, reading, 1));
  EXPECT_TRUE(as_seen(string(1), reading, 1));
  EXPECT_FALSE(as_seen(string(1), reading, 2));
  EXPECT_FALSE(as_seen(string(1, ExpireAt{5000}), reading, 1));
  reading.expire_at = ExpireAt{5003};
  EXPECT_TRUE(as_seen(string(1, ExpireAt{5000}), reading, 1));
  EXPECT_FALSE(as_seen(string(1, ExpireAt{4000}), reading, 1));
}

}  // namespace
}  // namespace lockstep::verifier
