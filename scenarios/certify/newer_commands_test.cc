#include "scenarios/certify/newer_commands.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scenarios/families.h"

namespace lockstep::scenarios::certify {
namespace {

using Families = std::vector<std::string>;

const Families all_families = [] {
  Families names = family_names();
  std::erase(names, "everything");
  return names;
}();

fixtures::Capabilities able(const std::vector<std::string>& abilities) {
  fixtures::Capabilities server;
  for (const std::string& ability : abilities) server.can[ability] = true;
  return server;
}

Families rewritten(const fixtures::Capabilities& from, const fixtures::Capabilities& to) {
  return families_of_newer_commands({from, to, all_families}, Substitute::command);
}

Families read_again(const fixtures::Capabilities& from, const fixtures::Capabilities& to) {
  return families_of_newer_commands({from, to, all_families}, Substitute::reading);
}

TEST(NewerCommands, AreThoseOfTheSourceThatTheTargetLacks) {
  EXPECT_EQ(rewritten(able({"zpop"}), able({})), Families({"zsets", "transactions"}));
  EXPECT_TRUE(rewritten(able({"zpop"}), able({"zpop"})).empty());
  EXPECT_TRUE(rewritten(able({}), able({"zpop"})).empty());
  EXPECT_EQ(rewritten(able({"zpop", "lmove", "unlink"}), able({"unlink"})),
            Families({"lists", "zsets", "transactions"}));
}

TEST(NewerCommands, WithoutAnotherCommandThatDoesTheSameAreReadAgain) {
  EXPECT_EQ(read_again(able({"bitfield"}), able({})), Families({"bits"}));
  EXPECT_TRUE(rewritten(able({"bitfield"}), able({})).empty());
  EXPECT_TRUE(read_again(able({"zpop"}), able({})).empty());
}

TEST(NewerCommands, OnWhatTheTargetCannotHoldAreNone) {
  EXPECT_TRUE(rewritten(able({"group-counters"}), able({})).empty());
  EXPECT_EQ(rewritten(able({"group-counters"}), able({"streams"})), Families({"streams"}));
}

TEST(NewerCommands, AreSoughtInTheFamiliesThatRun) {
  const auto source = able({"zpop", "unlink"}), target = able({});
  const Families few{"strings", "zsets"};
  EXPECT_EQ(families_of_newer_commands({source, target, few}, Substitute::command),
            Families({"zsets"}));
}

/// Each ability of the table shows in some family: a form that is renamed takes no goal with it.
TEST(NewerCommands, EachHasAFamily) {
  for (const char* ability : {"restore-replace", "unlink", "hset-several", "zadd-conditions",
                              "zadd-comparisons", "zpop", "pop-count", "lmove", "expire-conditions",
                              "group-counters", "set-ifeq", "msetex", "hsetex"})
    EXPECT_FALSE(rewritten(able({ability}), able({"streams"})).empty()) << ability;
  for (const char* ability : {"set-keepttl", "bitfield", "copy", "field-expiry"})
    EXPECT_FALSE(read_again(able({ability}), able({})).empty()) << ability;
}

/// A family that has a goal of it has the form.
TEST(NewerCommands, EverythingHasWhatItsFamiliesHave) {
  const Families everything{"everything"};
  const auto source = able({"zpop", "copy"}), target = able({});
  for (const Substitute substitute : {Substitute::command, Substitute::reading})
    EXPECT_EQ(families_of_newer_commands({source, target, everything}, substitute), everything);
}

}  // namespace
}  // namespace lockstep::scenarios::certify
