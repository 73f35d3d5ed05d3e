#include "scenarios/result.h"

#include <gtest/gtest.h>

namespace lockstep::scenarios {
namespace {

CaseResult settled(std::vector<CheckResult> checks, const std::string& failure) {
  CaseResult result;
  result.checks = std::move(checks);
  conclude(result, failure);
  return result;
}

TEST(Conclude, AFailStaysOneWhateverIsThrownAfterIt) {
  const CaseResult result =
      settled({{"verify target", Verdict::fail, "1 missing"}}, "the server closed the connection");
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_EQ(result.reason, "verify target: 1 missing; the server closed the connection");
}

TEST(Conclude, WhatEndsARunThatFoundNothingLeavesItUnknown) {
  const CaseResult result = settled({{"verify target", Verdict::pass, "10 keys"}}, "no answer");
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_EQ(result.reason, "no answer");
  EXPECT_EQ(settled({}, "no answer").verdict, Verdict::unknown);
}

TEST(Conclude, AWorkloadThatWasRefusedProvesNothing) {
  CaseResult result;
  result.checks = {{"a", Verdict::pass, ""}};
  result.before.commands = 2;
  result.during.commands = 3;
  result.during.errors = {{"OOM", 1}, {"ERR", 3}};
  conclude(result, "");
  EXPECT_EQ(result.verdict, Verdict::pass);
  result.before.errors = {{"ERR", 1}};
  conclude(result, "");
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_EQ(result.reason, "the source refused every command of the workload");
}

TEST(Conclude, TheChecksDecideWhereNothingEndedIt) {
  EXPECT_EQ(settled({{"a", Verdict::pass, ""}, {"b", Verdict::skipped, ""}}, "").verdict,
            Verdict::pass);
  EXPECT_EQ(settled({{"a", Verdict::pass, ""}}, "").reason, "");
  EXPECT_EQ(settled({{"a", Verdict::unknown, "late"}}, "").reason, "a: late");
  EXPECT_EQ(settled({{"a", Verdict::skipped, ""}}, "").verdict, Verdict::unknown);
  EXPECT_NE(settled({}, "").reason, "");
}

}  // namespace
}  // namespace lockstep::scenarios
