#include "scenarios/coverage.h"

#include <gtest/gtest.h>

namespace lockstep::scenarios {
namespace {

TEST(coverage, of_the_engine_is_the_sum_over_its_links) {
  const Coverage found = coverage_of_engine(
      "{\"links\":[{\"restored\":2,\"fences\":1,\"unsupported\":{\"keys\":3,\"functions\":1}},"
      "{\"restored\":5,\"rewritten\":4,\"unsupported\":{\"commands\":6}}]}");
  EXPECT_EQ(found.at("restored"), 7u);
  EXPECT_EQ(found.at("fences"), 1u);
  EXPECT_EQ(found.at("rewritten"), 4u);
  EXPECT_EQ(found.at("left_out"), 10u);
  EXPECT_EQ(found.at("rebuilt"), 0u);
}

TEST(coverage, of_a_tool_that_says_nothing_is_nothing) {
  EXPECT_TRUE(coverage_of_engine("").empty());
  EXPECT_TRUE(coverage_of_engine("{}").empty());
  EXPECT_TRUE(coverage_of_engine("[1]").empty());
}

/// A key that was left out and is gone by the end was left out nevertheless.
TEST(coverage, of_what_was_left_out_is_the_most_at_one_time) {
  Coverage most;
  note_left_out(coverage_of_engine("{\"links\":[{\"unsupported\":{\"keys\":3,\"streams\":2,"
                                   "\"modules\":1}},{\"unsupported\":{\"streams\":2}}]}"),
                most);
  note_left_out(coverage_of_engine("{\"links\":[{\"unsupported\":{\"keys\":0,\"streams\":0,"
                                   "\"functions\":1}}]}"),
                most);
  EXPECT_EQ(most["left_out_streams"], 4u);
  EXPECT_EQ(most["left_out_modules"], 1u);
  EXPECT_EQ(most["left_out_functions"], 1u);
  EXPECT_EQ(most["left_out_field_expiry"], 0u);
  EXPECT_EQ(most.count("left_out"), 0u) << "a sum, which is of the last status";
}

}  // namespace
}  // namespace lockstep::scenarios
