#include <gtest/gtest.h>

#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

#include "scenarios/certify/certificate_text.h"
#include "scenarios/certify/grid.h"
#include "scenarios/certify/progress.h"
#include "scenarios/certify/summary.h"
#include "scenarios/certify/test_certificates.h"

namespace lockstep::scenarios::certify {
namespace {

TEST(Grid, AMarkForEachOutcome) {
  EXPECT_EQ(grid_text(sample(), Topology::standalone, false),
            "          old new\n"
            "from \\ to   1 2 3\n"
            "old-1       ✓ ✗ ?\n"
            "new-2       L ? ?\n");
  EXPECT_EQ(grid_text(sample(), Topology::cluster, false),
            "          old new\n"
            "from \\ to   1 2 3\n"
            "old-1       ? ? –\n"
            "new-2       ? ? ?\n");
  EXPECT_EQ(legend_text(sample(), false),
            "✓ certified 1   L certified with losses 1   ✗ failed 1   – unsupported 1   ? not "
            "certified 8");
  EXPECT_NE(grid_text(sample(), Topology::standalone, true).find("\033[1;31m✗\033[0m"),
            std::string::npos);
}

TEST(Grid, NamesOfAnyKindAndCellsOfOtherParts) {
  Certificate certificate;
  certificate.request = {.from = {"mine"},
                         .to = {"mine", "a-long-name-1.0", "a-long-name-22.0", "b-"},
                         .topologies = {Topology::standalone},
                         .part = 2,
                         .parts = 2};
  EXPECT_EQ(grid_text(certificate, Topology::standalone, false),
            "               a-long-name\n"
            "from \\ to mine 1.0    22.0 b-\n"
            "mine             ?          ?\n");
}

/// Many cells, in the width of a terminal.
TEST(Grid, SeventeenBySeventeenFits) {
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back("first-" + std::to_string(i % 10) + ".0");
  for (int i = 0; i < 5; ++i) names.push_back("second-" + std::to_string(i) + ".0");
  for (size_t i = 10; i < 12; ++i) names[i] = "first-a" + std::to_string(i) + "-8.0";
  Certificate certificate;
  certificate.request = {.from = names, .to = names, .topologies = {Topology::standalone}};
  std::istringstream lines(grid_text(certificate, Topology::standalone, false));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(line.size(), 100u) << line;
  EXPECT_EQ(count, 19);
}

TEST(Summary, NamesInWords) {
  const std::vector<std::string> order{"a", "b", "c", "d", "e", "f"};
  EXPECT_EQ(names_in_words(order, {"a"}), "a");
  EXPECT_EQ(names_in_words(order, {"a", "b"}), "a, b");
  EXPECT_EQ(names_in_words(order, {"a", "b", "c", "f"}), "a … c, f");
  EXPECT_EQ(names_in_words(order, {"b", "d", "e", "f"}), "b, d … f");
  EXPECT_EQ(names_in_words(order, {"a", "b", "c", "d", "e", "f"}), "any");
  EXPECT_EQ(names_in_words({"a", "b"}, {"a", "b"}), "a, b");
}

TEST(Summary, LossesWithTheirPairs) {
  Certificate certificate = sample();
  certificate.request.topologies = {Topology::standalone};
  certificate.cells = {certified_cell("old-1", "new-2"), certified_cell("new-2", "new-2"),
                       certified_cell("new-2", "old-1"), certified_cell("new-2", "new-3")};
  for (Cell& cell : certificate.cells) cell.losses = {{"a", 1}};
  certificate.cells[0].losses.push_back({"b", 5});
  const auto losses = losses_of(certificate);
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_EQ(losses[0].what, "a");
  EXPECT_EQ(losses[0].keys, 4u);
  EXPECT_EQ(losses[0].cells, 4u);
  EXPECT_EQ(losses[0].pairs,
            (std::vector<std::string>{"from old-1 into new-2", "from new-2 into old-1 … new-3"}));
  EXPECT_EQ(losses[1].pairs, std::vector<std::string>{"from old-1 into new-2"});
}

TEST(Summary, ReasonsByTopology) {
  const auto reasons = reasons_of(sample(), Outcome::not_certified);
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons[0].what, not_run);
  EXPECT_EQ(reasons[0].cells, 7u);
  EXPECT_EQ(reasons[0].pairs.front(), "standalone: from old-1, new-2 into new-3");
  EXPECT_EQ(reasons[1].pairs, std::vector<std::string>{"standalone: from new-2 into new-2"});
}

TEST(Summary, GoalsOverAllCells) {
  const auto goals = goals_of(sample());
  ASSERT_EQ(goals.size(), 2u);
  EXPECT_EQ(goals[0].met, 5u);
  EXPECT_EQ(goals[0].possible, 5u);
  EXPECT_EQ(goals[0].times, 15u);
  EXPECT_EQ(goals[1].met, 0u);
  EXPECT_EQ(goals[1].possible, 0u);
}

TEST(Text, SaysWhatIsLostAndWhatFailed) {
  EXPECT_EQ(certificate_text(sample(), false),
            "\nstandalone\n" + grid_text(sample(), Topology::standalone, false) + "\ncluster\n" +
                grid_text(sample(), Topology::cluster, false) +
                "\nLost, and nothing else\n"
                "  hash field expiry (12 seen in 1 cell)\n"
                "      standalone: from new-2 into old-1\n"
                "\nFindings\n"
                "  old-1 → new-2 (standalone): failed, 1 of 1 cases did not pass\n"
                "      lists seed 7: 1 value differs\n"
                "        the servers' own replication: the same\n"
                "        repeat it: lockstep run x.yaml --seed 7\n"
                "\nNot certified\n"
                "  it has not run: give the same command again, which goes on where it was\n"
                "      standalone: from old-1, new-2 into new-3\n"
                "      cluster: from old-1, new-2 into old-1, new-2\n"
                "      cluster: from new-2 into new-3\n"
                "  goals not met: a key expired\n"
                "      standalone: from new-2 into new-2\n"
                "\nUnsupported\n"
                "  old-1 has no cluster\n"
                "      cluster: from old-1 into new-3\n"
                "\n" +
                legend_text(sample(), false) + "\n" + totals_text(sample()) + "\n");
}

TEST(Text, OfManyFindingsAFew) {
  Certificate certificate = sample();
  certificate.cells[2].findings.resize(5, certificate.cells[2].findings[0]);
  EXPECT_NE(certificate_text(certificate, false).find("and 2 more, in certificate.md"),
            std::string::npos);
  EXPECT_EQ(certificate_markdown(certificate).find("more, in certificate.md"), std::string::npos);
}

TEST(Markdown, HoldsEverything) {
  Certificate certificate = sample();
  certificate.cells[2].findings[0].reason = "a | b <i> *c*\nd";
  certificate.cells[2].findings[0].reproduction = "run `x`";
  certificate.cells[0].skipped_families = {"streams"};
  certificate.cells[0].untried = {{"streams", "too new", {"XADD", "XDEL"}},
                                  {"lists", "too new", {"LMOVE"}},
                                  {"a check", "not here", {}}};
  const std::string text = certificate_markdown(certificate);
  for (const std::string part :
       {"`lockstep certify --from old-1,new-2 --to old-1,new-2,new-3`\n",
        "begun 2026-01-02T03:04:05Z, not finished", "```text\n          old new\n",
        "### old-1 → new-2 (standalone): failed\n", "a \\| b \\<i\\> \\*c\\* d\n",
        "repeat it: `` run `x` ``\n", "| a key expired | 5 | 5 | 15 |\n",
        "| new-2 | 2.0.2 | def | 11 |\n", "- **hash field expiry** (12 seen in 1 cell)\n",
        "## Not tried\n\n- **a check: not here**\n  - standalone: from old-1 into old-1\n"
        "- **streams (all), lists (1 form): too new**\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
}

TEST(Junit, ATestForEachCell) {
  Certificate certificate = sample();
  certificate.cells[2].findings[0].reason = "<\x01\xff> & \"x\"";
  std::istringstream in(certificate_junit(certificate));
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(in, tree);
  std::map<std::string, std::string> tests;
  for (const auto& [name, suite] : tree.get_child("testsuites")) {
    std::map<std::string, int> kinds;
    for (const auto& [tag, test] : suite) {
      if (tag != "testcase") continue;
      std::string kind = "passed";
      for (const std::string each : {"failure", "error", "skipped", "system-out"})
        if (test.count(each) > 0) kind = each;
      ++kinds[kind];
      tests[test.get<std::string>("<xmlattr>.classname") + " " +
            test.get<std::string>("<xmlattr>.name")] = kind;
    }
    EXPECT_EQ(suite.get<int>("<xmlattr>.tests"), 6);
    EXPECT_EQ(suite.get<int>("<xmlattr>.failures"), kinds["failure"]);
    EXPECT_EQ(suite.get<int>("<xmlattr>.errors"), kinds["error"]);
    EXPECT_EQ(suite.get<int>("<xmlattr>.skipped"), kinds["skipped"]);
  }
  EXPECT_EQ(tests.size(), 12u);
  EXPECT_EQ(tests["certify.standalone old-1 to old-1"], "passed");
  EXPECT_EQ(tests["certify.standalone new-2 to old-1"], "system-out");
  EXPECT_EQ(tests["certify.standalone old-1 to new-2"], "failure");
  EXPECT_EQ(tests["certify.standalone new-2 to new-2"], "error");
  EXPECT_EQ(tests["certify.standalone old-1 to new-3"], "error") << "it has not run";
  EXPECT_EQ(tests["certify.cluster old-1 to new-3"], "skipped");
}

TEST(ProgressText, DoneRateAndTimeLeft) {
  ProgressState state{.total = 200, .before = 50, .done = 50, .running = {"a → b", "c → d"}};
  state.elapsed = std::chrono::minutes(5);
  state.outcomes[static_cast<size_t>(Outcome::failed)] = 2;
  const std::string line = progress_text(state, 200);
  EXPECT_NE(
      line.find(" 50%  100 of 200 cells  2 failed  10.2 a minute  ETA 9 min 42 s  a → b, c → d"),
      std::string::npos)
      << line;
  state.cells = std::chrono::minutes(5000);
  EXPECT_NE(progress_text(state, 200).find("ETA 50 min 00 s"), std::string::npos);
  EXPECT_EQ(progress_text(state, 3), "███");
  state.done = 0;
  EXPECT_NE(progress_text(state, 200).find("ETA ?"), std::string::npos);
  EXPECT_NE(progress_text(ProgressState{}, 200).find("100%  0 of 0 cells"), std::string::npos);
}

TEST(Progress, ALineForEachCellWhereThereIsNoTerminal) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(4, 1, false);
    progress.begin(cell_label(sample().cells[0]));
    progress.done(sample().cells[0]);
    progress.show();
    progress.done(sample().cells[3]);
  }
  std::istringstream lines(::testing::internal::GetCapturedStderr());
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line.find("[2/4] old-1 → old-1: certified in 1.5 s"), 0u) << line;
  std::getline(lines, line);
  EXPECT_EQ(line.find("[3/4] new-2 → new-2: not certified in 1.5 s: goals not met: a key expired"),
            0u)
      << line;
  EXPECT_FALSE(std::getline(lines, line)) << line;
}

TEST(Progress, OneLineOnATerminalAndWhatFailedAboveIt) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(2, 0, true);
    progress.begin(cell_label(sample().cells[0]));
    progress.done(sample().cells[0]);
    progress.done(sample().cells[2]);
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_NE(text.find("\r\033[Kold-1 → new-2: failed in 1.5 s\n"), std::string::npos) << text;
  EXPECT_EQ(text.substr(text.size() - 4), "\r\033[K");
}

}  // namespace
}  // namespace lockstep::scenarios::certify
