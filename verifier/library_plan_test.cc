#include "verifier/library_plan.h"

#include <gtest/gtest.h>

namespace lockstep::verifier {
namespace {

using Code = std::map<std::string, std::string>;

NodeLibraries node(const std::string& label, Code code) { return {label, true, std::move(code)}; }

std::string text(const LibraryPlan& plan) {
  std::string result;
  for (const LibraryStep& step : plan.steps)
    result += std::to_string(step.node) + step.name + ":" + step.old_code.value_or("-") + ">" +
              step.code.value_or("-") + " ";
  return result;
}

TEST(LibraryPlan, WhatGoesGoesFirst) {
  const LibraryPlan plan = plan_libraries(
      {{"a", false}, {"b", false}, {"z", true}}, {node("s", {{"a", "1"}, {"b", "1"}})},
      {node("t", {{"a", "2"}, {"z", "3"}, {"other", "4"}}), node("u", {{"a", "1"}, {"b", "1"}})});
  EXPECT_EQ(text(plan), "0z:3>- 0a:2>1 0b:->1 ");
  EXPECT_TRUE(plan.impossible.empty());
}

TEST(LibraryPlan, WhatCannotBeIsSaid) {
  NodeLibraries old = node("old", {});
  old.known = false;
  const LibraryPlan plan =
      plan_libraries({{"a", false}, {"b", false}},
                     {node("s", {{"a", "1"}, {"b", "1"}}), node("s2", {{"a", "2"}})}, {old});
  EXPECT_EQ(text(plan), "");
  EXPECT_NE(plan.impossible.at("a").find("source"), std::string::npos);
  EXPECT_NE(plan.impossible.at("b").find("old"), std::string::npos);
}

TEST(LibraryPlan, WhatTheSourceHasLostSinceStays) {
  const LibraryPlan plan =
      plan_libraries({{"a", false}, {"z", true}}, {node("s", {})}, {node("t", {{"a", "1"}})});
  EXPECT_EQ(text(plan), "");
  EXPECT_NE(plan.impossible.at("a").find("lost it since"), std::string::npos);
  EXPECT_FALSE(plan.impossible.contains("z"));
}

}  // namespace
}  // namespace lockstep::verifier
