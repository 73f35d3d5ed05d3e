#include "scenarios/certify/cell_outcome.h"

#include <gtest/gtest.h>

#include "scenarios/certify/test_certificates.h"

namespace lockstep::scenarios::certify {
namespace {

Finding finding(const char* verdict, bool environment) {
  return {"lists", 7, verdict, "why", "lockstep run x", "", "", false, environment};
}

Cell cell_with(std::vector<Finding> findings) {
  Cell cell = certified_cell("a", "b");
  cell.passed = cell.cases - findings.size();
  cell.findings = std::move(findings);
  return cell;
}

TEST(EnvironmentFailed, OnlyBeforeTheToolWasStarted) {
  CaseResult result;
  EXPECT_TRUE(environment_failed(result));
  result.tool_began = true;
  EXPECT_FALSE(environment_failed(result)) << "an engine that ends is a finding";
  result.tool_began = false;
  result.verdict = Verdict::fail;
  EXPECT_FALSE(environment_failed(result));
}

TEST(Doubt, OfACaseWhoseClientsLostConnections) {
  CaseResult result;
  result.verdict = Verdict::pass;
  doubt(result);
  EXPECT_EQ(result.verdict, Verdict::pass);
  result.during.connections_lost = 2;
  doubt(result);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_EQ(result.reason, "the clients lost 2 connections to the source");
  result.verdict = Verdict::fail;
  result.reason = "a value differs";
  doubt(result);
  EXPECT_EQ(result.reason, "a value differs") << "a fail stays one";
}

TEST(Decide, NoFamilyThatTheSourceKnowsIsUnsupported) {
  Cell cell;
  cell.skipped_families = {"functions", "streams"};
  cell.untried = {{"functions", "too new", {"FCALL"}}, {"streams", "too long", {"XADD"}}};
  decide(cell, "");
  EXPECT_EQ(cell.outcome, Outcome::unsupported);
  EXPECT_EQ(cell.reason,
            "none of its families can be tried: functions (too new); streams (too long)");
  decide(cell, "the disk is full");
  EXPECT_EQ(cell.outcome, Outcome::not_certified);
}

TEST(Decide, AFailIsOneWhateverEndedTheAttempt) {
  Cell cell = cell_with({finding("fail", false)});
  decide(cell, "the disk is full");
  EXPECT_EQ(cell.outcome, Outcome::failed);
  EXPECT_FALSE(cell.try_again);
}

TEST(Decide, WhatTheToolDidNotEndIsNeverGreenNorTriedAgainByItself) {
  Cell cell = cell_with({finding("unknown", false)});
  decide(cell, "");
  EXPECT_EQ(cell.outcome, Outcome::not_certified);
  EXPECT_FALSE(is_tried_again(cell, false));
  EXPECT_TRUE(is_tried_again(cell, true));
  Cell both = cell_with({finding("unknown", false)});
  decide(both, "a server did not start");
  EXPECT_FALSE(is_tried_again(both, false)) << "what the tool did is not forgotten";
}

TEST(CrashOf, IsTheFirstThatHasACrashReport) {
  CaseResult result;
  EXPECT_EQ(crash_of(result), "");
  result.fallen = {{"a", "", "the server a-1 ended"},
                   {"b", "x.c:7 'y' is not true", "b-1 crashed"}};
  EXPECT_EQ(crash_of(result), "b: x.c:7 'y' is not true");
}

TEST(Decide, CrashesOfServersAreToldWithTheirCauses) {
  Cell cell = cell_with({finding("unknown", false), finding("unknown", false)});
  cell.cases = 9;
  const std::string cause = "x.c:7 'y' is not true", two = "2 of 9 cases could not be completed";
  cell.findings[0].crashed = "b: " + cause;
  decide(cell, "");
  EXPECT_EQ(cell.outcome, Outcome::not_certified);
  EXPECT_EQ(cell.reason, two + ": b crashed in 1 (" + cause + ")");
  cell.findings[0].crashes_alone = true;
  decide(cell, "");
  EXPECT_EQ(cell.reason, two + ": b crashed by itself in 1 (" + cause + ")");
  cell.findings[0].crashed.clear();
  decide(cell, "");
  EXPECT_EQ(cell.reason, two);
}

TEST(Decide, WhatTheEnvironmentEndedIsTriedAgain) {
  Cell cell = cell_with({finding("unknown", true)});
  decide(cell, "");
  EXPECT_TRUE(is_tried_again(cell, false));
  Cell nothing;
  decide(nothing, "a server did not start");
  EXPECT_EQ(nothing.reason, "a server did not start");
  EXPECT_TRUE(is_tried_again(nothing, false));
}

TEST(Decide, AGoalThatWasMissedIsNotTriedAgainByItself) {
  Cell cell = certified_cell("a", "b");
  cell.goals[0].times = 0;
  decide(cell, "");
  EXPECT_EQ(cell.reason, "never happened: a key expired");
  EXPECT_FALSE(is_tried_again(cell, false));
  cell.goals[0].times = 1;
  decide(cell, "");
  EXPECT_EQ(cell.outcome, Outcome::certified);
  EXPECT_FALSE(is_tried_again(cell, true));
}

TEST(NoteLosses, WhatWasLeftOutIsLostThoughItIsGoneAtTheEnd) {
  Cell cell = certified_cell("a", "b");
  CaseResult result;
  result.checks = {{"verify target", Verdict::pass, "", {{"streams", 3}}}};
  result.coverage = {{"left_out", 3}, {"left_out_streams", 9}, {"left_out_functions", 1}};
  note_losses(result, cell);
  note_losses(result, cell);
  ASSERT_EQ(cell.losses.size(), 2u);
  EXPECT_EQ(cell.losses[0].what, "streams");
  EXPECT_EQ(cell.losses[0].keys, 6u);
  EXPECT_EQ(cell.losses[1].what, "libraries of functions");
  EXPECT_EQ(cell.losses[1].keys, 0u);
  decide(cell, "");
  EXPECT_EQ(cell.outcome, Outcome::certified_with_losses);
}

TEST(NoteLosses, NothingThatWasLeftOutIsCertifiedPlainly) {
  Cell cell = certified_cell("a", "b");
  CaseResult result;
  result.coverage = {{"left_out", 1}, {"left_out_streams", 0}};
  note_losses(result, cell);
  decide(cell, "");
  EXPECT_EQ(cell.outcome, Outcome::certified_with_losses);
  result.coverage = {{"left_out", 0}};
  Cell none = certified_cell("a", "b");
  note_losses(result, none);
  decide(none, "");
  EXPECT_EQ(none.outcome, Outcome::certified);
}

TEST(CarryOver, FindingsOfEarlierAttemptsStay) {
  Cell first = cell_with({finding("unknown", true)});
  first.attempts = 1;
  Cell second = certified_cell("a", "b");
  carry_over(first, second);
  EXPECT_EQ(second.attempts, 1u);
  ASSERT_EQ(second.earlier.size(), 1u);
  EXPECT_EQ(second.earlier[0].reason, "why");
  second.reason = "never happened: x";
  Cell third;
  carry_over(second, third);
  ASSERT_EQ(third.earlier.size(), 2u);
  EXPECT_EQ(third.earlier[1].reason, "never happened: x");
}

}  // namespace
}  // namespace lockstep::scenarios::certify
