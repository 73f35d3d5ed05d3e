#include "scenarios/certify/untried.h"

#include <gtest/gtest.h>

namespace lockstep::scenarios::certify {
namespace {

Capability source_of(uint16_t version) {
  Capability capability{version, true, true, TopologyKind::standalone};
  capability.source_version = capability.oldest = version;
  return capability;
}

TEST(Untried, FamiliesAreRunOrSkippedWithAReason) {
  Cell cell;
  note_family("sets", source_of(702), cell);
  EXPECT_EQ(cell.families, std::vector<std::string>{"sets"});
  EXPECT_TRUE(cell.untried.empty());
  note_family("functions", source_of(602), cell);
  EXPECT_EQ(cell.skipped_families, std::vector<std::string>{"functions"});
  ASSERT_EQ(cell.untried.size(), 1u);
  EXPECT_EQ(cell.untried[0].reason,
            "newer than the commands of Redis 6.2, which the server says it has");
  EXPECT_EQ(cell.untried[0].commands.size(), forms_of("functions").size());
}

TEST(Untried, FormsThatOneProductHasAreNamedWhereTheServerLacksThem) {
  Capability source = source_of(702);
  Cell cell;
  note_family("strings", source, cell);
  ASSERT_EQ(cell.untried.size(), 1u);
  EXPECT_EQ(cell.untried[0].reason, "the server does not know them");
  for (const std::string& form : cell.untried[0].commands)
    EXPECT_TRUE(form.find("IFEQ") != std::string::npos || form.starts_with("MSETEX")) << form;
  source.abilities = {"set-ifeq", "delifeq", "msetex"};
  Cell newer;
  note_family("strings", source, newer);
  EXPECT_TRUE(newer.untried.empty());
}

TEST(Untried, CommandsOfAFamilyThatRunsAreNamed) {
  Cell cell;
  note_family("streams", source_of(702), cell);
  EXPECT_EQ(cell.families, std::vector<std::string>{"streams"});
  ASSERT_EQ(cell.untried.size(), 1u);
  EXPECT_EQ(cell.untried[0].what, "streams");
  EXPECT_NE(cell.untried[0].reason.find("tells no replica"), std::string::npos);
  for (const std::string& form : cell.untried[0].commands)
    EXPECT_TRUE(form.starts_with("X")) << form;
}

TEST(Untried, DatabasesOfAClusterAreNotWhatTheSourceDoesNotKnow) {
  Capability cluster = source_of(702);
  cluster.multiple_databases = false;
  Cell cell;
  note_family("databases", cluster, cell);
  EXPECT_EQ(cell.skipped_families, std::vector<std::string>{"databases"});
  ASSERT_EQ(cell.untried.size(), 1u);
  EXPECT_EQ(cell.untried[0].reason, "a cluster of these has one database");
}

TEST(Untried, ModulesThatBothSidesHaveInTwoBuilds) {
  fixtures::Capabilities server, other;
  server.modules = {"bf", "of-no-types", "timeseries"};
  other.modules = {"bf", "of-no-types"};
  Cell cell;
  cell.from = "a";
  cell.to = "b";
  note_modules(server, other, cell);
  ASSERT_EQ(cell.untried.size(), 1u);
  EXPECT_EQ(cell.untried[0].what, "values of the module bf");
  Cell same;
  same.from = same.to = "a";
  note_modules(server, server, same);
  EXPECT_TRUE(same.untried.empty());
}

TEST(Untried, ChecksThatWereSkippedStandOnce) {
  CaseResult result;
  result.checks = {{"verify target", Verdict::pass, "", {}},
                   {"DEBUG DIGEST-VALUE of target", Verdict::skipped, "it has none", {}}};
  Cell cell;
  note_checks(result, cell);
  note_checks(result, cell);
  ASSERT_EQ(cell.untried.size(), 1u);
  EXPECT_EQ(cell.untried[0].what, "DEBUG DIGEST-VALUE of target");
  EXPECT_EQ(cell.untried[0].reason, "it has none");
}

}  // namespace
}  // namespace lockstep::scenarios::certify
