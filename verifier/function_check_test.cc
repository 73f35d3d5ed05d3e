#include "verifier/function_check.h"

#include <gtest/gtest.h>

namespace lockstep::verifier {
namespace {

std::string told(const std::vector<NodeLibraries>& source,
                 const std::vector<NodeLibraries>& target) {
  std::string text;
  for (const Difference& each : compare_libraries(source, target)) {
    EXPECT_EQ(each.diff_class, DiffClass::function);
    text += each.key + ": " + each.detail + "; ";
  }
  return text;
}

TEST(Functions, TheSameOnEveryPrimary) {
  EXPECT_EQ(told({{"s", true, {{"lib", "code"}}}},
                 {{"t1", true, {{"lib", "code"}}}, {"t2", true, {{"lib", "code"}}}}),
            "");
  EXPECT_EQ(told({{"s", true, {}}}, {{"t", true, {}}}), "");
}

TEST(Functions, MissingOnOne) {
  EXPECT_EQ(
      told({{"s", true, {{"lib", "code"}}}}, {{"t1", true, {{"lib", "code"}}}, {"t2", true, {}}}),
      "lib: t2 does not have it; ");
}

TEST(Functions, MoreOnOne) {
  EXPECT_EQ(told({{"s", true, {}}}, {{"t1", true, {}}, {"t2", true, {{"more", "code"}}}}),
            "more: t2 has it, and the source does not; ");
}

TEST(Functions, OtherCode) {
  EXPECT_EQ(told({{"s", true, {{"lib", "code"}}}}, {{"t", true, {{"lib", "cold"}}}}),
            "lib: t: its code differs from byte 2 on (4 and 4 bytes); ");
}

TEST(Functions, TheSourceItselfDisagrees) {
  EXPECT_EQ(told({{"s1", true, {{"lib", "a"}}}, {"s2", true, {{"lib", "b"}}}},
                 {{"t", true, {{"lib", "a"}}}}),
            "lib: s1 and s2 of the source do not have the same: its code differs from byte 0 on (1 "
            "and 1 bytes); ");
}

TEST(Functions, AVersionWithoutThemIsExplained) {
  const auto found = compare_libraries({{"s", true, {{"lib", "code"}}}}, {{"t", false, {}}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].explained, Explained::unsupported);
}

}  // namespace
}  // namespace lockstep::verifier
