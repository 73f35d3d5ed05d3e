#include "scenarios/certify/goals.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scenarios/certify/server_facts.h"

namespace lockstep::scenarios::certify {
namespace {

const std::vector<std::string> families{"strings", "expiry", "functions"};

const Goal& goal(const std::vector<Goal>& goals, const std::string& name) {
  return *std::find_if(goals.begin(), goals.end(), [&](const Goal& g) { return g.name == name; });
}

TEST(Goals, AreNotMetByDefault) {
  const fixtures::Capabilities server;
  const std::vector<Goal> goals = goals_of({server, server, families});
  EXPECT_GT(goals.size(), 8u);
  for (const Goal& each : goals) EXPECT_TRUE(!each.possible || !each.met()) << each.name;
  EXPECT_NE(goals_missed(goals).find("a key expired during the full copy"), std::string::npos);
}

TEST(Goals, WhatTheServersOrTheFamiliesCannotDoIsNotAskedFor) {
  fixtures::Capabilities source, target;
  EXPECT_FALSE(goal(goals_of({source, target, families}), "a function ran").possible);
  source.can["functions"] = source.can["streams"] = true;
  const std::vector<Goal> goals = goals_of({source, target, families});
  EXPECT_TRUE(goal(goals, "a function ran").possible);
  EXPECT_TRUE(goal(goals, "a library of functions was left out").possible);
  EXPECT_FALSE(goal(goals, "a script ran").possible) << "no family runs one";
  target.can["functions"] = true;
  EXPECT_FALSE(
      goal(goals_of({source, target, families}), "a library of functions was left out").possible);
}

TEST(Goals, EachThingThatCannotBeHeldHasItsOwn) {
  fixtures::Capabilities source, target;
  source.can = {{"streams", true}, {"functions", true}, {"field-expiry", true}};
  source.modules = {"bf", "of-no-types"};
  std::vector<Goal> goals = goals_of({source, target, families});
  count_goals("strings", {{"left_out", 9}, {"left_out_streams", 9}}, goals);
  const std::string missed = goals_missed(goals);
  for (const char* name :
       {"a library of functions was left out", "a value of a module was left out",
        "a hash with fields that expire was left out"})
    EXPECT_NE(missed.find(name), std::string::npos) << missed;
  EXPECT_EQ(missed.find("a stream was left out"), std::string::npos) << missed;
  target = source;
  target.modules = {"bf"};
  for (const Goal& each : goals_of({source, target, families}))
    EXPECT_FALSE(each.possible && each.name.ends_with("left out")) << each.name;
}

TEST(Goals, OfTheFormOfValuesAreForTargetsThatLackIt) {
  fixtures::Capabilities older, newer;
  older.rdb = 9;
  newer.rdb = 10;
  const char* name = "a value was copied as commands";
  EXPECT_TRUE(goal(goals_of({newer, older, families}), name).possible);
  EXPECT_FALSE(goal(goals_of({older, newer, families}), name).possible);
  EXPECT_FALSE(goal(goals_of({newer, newer, families}), name).possible);
}

TEST(Goals, AreMetByWhatHappened) {
  const fixtures::Capabilities server;
  std::vector<Goal> goals = goals_of({server, server, families});
  count_goals("expiry", {{"expired_in_copy", 2}, {"unheard of", 5}}, goals);
  count_goals("strings", {{"expired_in_copy", 3}, {"restored", 0}}, goals);
  EXPECT_EQ(goal(goals, "a key expired during the full copy").times, 5u);
  EXPECT_FALSE(goal(goals, "a value was copied by RESTORE").met());
  EXPECT_EQ(goals_missed(goals).find("a key expired during"), std::string::npos);
}

/// Each goal by the one event that shows it, and by no other: all events but that one leave it
/// unmet.
TEST(Goals, EachIsMetByItsOwnEventAlone) {
  const std::vector<std::pair<const char*, const char*>> shown_by = {
      {"a transaction of a client was applied", "client_transactions"},
      {"a script ran", "scripts"},
      {"a function ran", "functions"},
      {"a blocking command waited and was served", "blocked"},
      {"the source was emptied", "flushes"},
      {"a command was rewritten for the target", "rewritten"},
      {"a value was copied as commands", "rebuilt"},
      {"a value of a module was written", "module_writes"},
  };
  fixtures::Capabilities source, target;
  source.can["functions"] = true;
  source.rdb = 10;
  source.can["zpop"] = true;
  source.modules = {"bf"};
  target.rdb = 6;
  const std::vector<std::string> all{"lists", "lua", "functions", "transactions", "flush", "zsets"};
  for (const auto& [name, event] : shown_by) {
    std::vector<Goal> without = goals_of({source, target, all, true}), with = without;
    Coverage others{{"transactions", 9}, {"executed", 9}, {"commands", 9}, {"succeeded", 9}};
    for (const auto& [ignored, each] : shown_by) others[each] = 9;
    others.erase(event);
    count_goals("lists", others, without);
    count_goals("lists", {{event, 1}}, with);
    EXPECT_TRUE(goal(with, name).possible) << name;
    EXPECT_FALSE(goal(without, name).met()) << name;
    EXPECT_TRUE(goal(with, name).met()) << name;
  }
}

TEST(Goals, OneOfEachFamilyIsMetByItsOwnCases) {
  const fixtures::Capabilities server;
  std::vector<Goal> goals = goals_of({server, server, families});
  count_goals("strings", {{"succeeded", 4}}, goals);
  count_goals("expiry", {{"written_following", 4}}, goals);
  EXPECT_EQ(goal(goals, "commands succeeded, family strings").times, 4u);
  EXPECT_FALSE(goal(goals, "commands succeeded, family expiry").met()) << "all were refused";
  const GoalPair pair{server, server, families};
  EXPECT_EQ(family_for(goal(goals, "commands succeeded, family expiry"), pair), "expiry");
}

TEST(Goals, AWriteCrossesTheCopyInEveryFamily) {
  const fixtures::Capabilities server;
  std::vector<Goal> goals = goals_of({server, server, families});
  count_goals("strings", {{"written_in_copy", 2}}, goals);
  const std::string name = "a write crossed the full copy, family ";
  for (const std::string& family : families) {
    EXPECT_TRUE(goal(goals, name + family).possible) << family;
    EXPECT_EQ(goal(goals, name + family).met(), family == "strings") << family;
  }
  EXPECT_EQ(family_for(goal(goals, name + "functions"), {server, server, families}), "functions");
}

TEST(Goals, ModulesValuesAreWrittenWhereTheyCanBeCompared) {
  fixtures::Capabilities server;
  server.modules = {"bf"};
  const char* name = "a value of a module was written";
  EXPECT_TRUE(goal(goals_of({server, server, families, true}), name).possible);
  EXPECT_FALSE(goal(goals_of({server, server, families, false}), name).possible);
  server.modules = {"of-no-types"};
  EXPECT_FALSE(goal(goals_of({server, server, families, true}), name).possible);
}

TEST(Control, ServersReplicateWhoseSnapshotsTheyLoad) {
  const auto with = [](unsigned rdb) {
    fixtures::Capabilities server;
    server.rdb = rdb;
    return server;
  };
  EXPECT_TRUE(replicates(with(6), with(80)));
  EXPECT_TRUE(replicates(with(11), with(12)));
  EXPECT_TRUE(replicates(with(80), with(80)));
  EXPECT_FALSE(replicates(with(10), with(9)));
  EXPECT_FALSE(replicates(with(12), with(80)));
  EXPECT_FALSE(replicates(with(80), with(12)));
}

TEST(Goals, HaveAFamilyThatMayMeetThem) {
  const fixtures::Capabilities server;
  const GoalPair pair{server, server, families};
  const std::vector<Goal> goals = goals_of(pair);
  EXPECT_EQ(family_for(goal(goals, "a key expired during the full copy"), pair), "expiry");
  EXPECT_EQ(family_for(goal(goals, "a value was copied by RESTORE"), pair), "strings");
}

}  // namespace
}  // namespace lockstep::scenarios::certify
