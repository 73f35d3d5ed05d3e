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

}  // namespace
}  // namespace lockstep::scenarios
