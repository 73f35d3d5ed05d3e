#include "verifier/merge.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "verifier/report_files.h"
#include "verifier/report_json.h"
#include "verifier/report_read.h"

namespace lockstep::verifier {
namespace {

VerifyReport part(ScopeOptions scope, uint64_t compared, uint64_t missing = 0) {
  VerifyReport report;
  report.verdict = missing > 0 ? Verdict::different : Verdict::equal;
  report.method = "snapshot";
  report.cut = "quiesced";
  report.source = {.urls = {"a"}, .nodes = {"a:1"}, .version = "7", .keys = compared, .bytes = 9};
  report.target = {.urls = {"b"}, .nodes = {"b:1"}, .version = "7", .keys = compared, .bytes = 9};
  report.scope = std::move(scope);
  report.scopes = Scope(report.scope).describe();
  report.compared = compared;
  report.counts[static_cast<size_t>(DiffClass::missing)] = missing;
  for (uint64_t i = 0; i < missing; ++i) {
    Difference difference;
    difference.diff_class = DiffClass::missing;
    difference.key = fmt::format("k{}\xff", i);
    report.differences.push_back(difference);
  }
  return report;
}

std::vector<VerifyReport> thirds(std::vector<int> indexes) {
  std::vector<VerifyReport> parts;
  for (const int i : indexes) parts.push_back(part({.part = fmt::format("{}/3", i)}, 10));
  return parts;
}

TEST(Merge, PartsThatAreAllThereMakeTheWhole) {
  auto parts = thirds({2, 3, 1});
  EXPECT_EQ(merge_reports(parts, 20).verdict, Verdict::equal);
  parts[1] = part({.part = "3/3"}, 5, 30);
  const VerifyReport whole = merge_reports(parts, 20);
  EXPECT_EQ(whole.verdict, Verdict::different);
  EXPECT_EQ(whole.compared, 25u);
  EXPECT_EQ(whole.source.keys, 25u);
  EXPECT_EQ(whole.difference_count(), 30u);
  EXPECT_EQ(whole.differences.size(), 20u);
  EXPECT_EQ(whole.source.nodes.size(), 1u);
  EXPECT_TRUE(whole.scopes.empty());
  EXPECT_EQ(whole.method, "snapshot");
}

TEST(Merge, AMissingOrDoubledPartIsNotEqual) {
  const VerifyReport missing = merge_reports(thirds({1, 3}), 20);
  EXPECT_EQ(missing.verdict, Verdict::unknown);
  EXPECT_EQ(missing.exit_code(), ExitCode::unknown);
  EXPECT_EQ(missing.problem, "part 2/3 is missing");
  const VerifyReport doubled = merge_reports(thirds({1, 2, 3, 2}), 20);
  EXPECT_EQ(doubled.verdict, Verdict::unknown);
  EXPECT_EQ(doubled.problem, "part 2/3 is there 2 times");
}

TEST(Merge, SlotsMustCoverAllAndNoneTwice) {
  EXPECT_EQ(
      merge_reports({part({.slots = "0-99,5000-16383"}, 1), part({.slots = "100-4999"}, 1)}, 20)
          .verdict,
      Verdict::equal);
  const VerifyReport gap =
      merge_reports({part({.slots = "0-100"}, 1), part({.slots = "100-16000"}, 1)}, 20);
  EXPECT_EQ(gap.verdict, Verdict::unknown);
  EXPECT_EQ(gap.problem, "the slots 16001-16383 are missing, the slots 100-100 are there twice");
}

TEST(Merge, AnUnknownPartIsNamed) {
  auto parts = thirds({1, 2, 3});
  parts[1].verdict = Verdict::unknown;
  parts[1].problem = "x:1: connection refused";
  const VerifyReport whole = merge_reports(parts, 20);
  EXPECT_EQ(whole.verdict, Verdict::unknown);
  EXPECT_EQ(whole.problem, "part 2/3: x:1: connection refused");
}

TEST(Merge, OnlyPartsOfOneCheck) {
  auto parts = thirds({1, 2, 3});
  parts[2].target.urls = {"c"};
  EXPECT_THROW(merge_reports(parts, 20), UserError);
  parts = thirds({1, 2, 3});
  parts[0].scope.match = "x*";
  EXPECT_THROW(merge_reports(parts, 20), UserError);
  EXPECT_THROW(merge_reports({part({}, 1)}, 20), UserError);
  EXPECT_THROW(merge_reports({part({.part = "1/2"}, 1), part({.part = "2/3"}, 1)}, 20), UserError);
  EXPECT_THROW(merge_reports({part({.part = "1/2"}, 1), part({.slots = "0-16383"}, 1)}, 20),
               UserError);
  EXPECT_THROW(merge_reports({}, 20), UserError);
}

/// The first `evicted` keys of a part whose target's node has evicted so many in all.
VerifyReport part_with_evictions(int index, uint64_t missing, uint64_t evicted_by_node,
                                 uint64_t explained) {
  VerifyReport report = part({.part = fmt::format("{}/2", index)}, 100, missing);
  report.target.evictions = {{"b:1", evicted_by_node, explained}, {"b:2", 1000, 0}};
  report.explained[static_cast<size_t>(Explained::evicted)] = explained;
  for (uint64_t i = 0; i < explained; ++i) {
    report.differences[i].explained = Explained::evicted;
    report.differences[i].evicted_by = {"b:1"};
  }
  return report;
}

uint64_t explained_by_evictions(const VerifyReport& report) {
  return report.explained[static_cast<size_t>(Explained::evicted)];
}

uint64_t listed_as_evicted(const VerifyReport& report) {
  return static_cast<uint64_t>(
      std::count_if(report.differences.begin(), report.differences.end(),
                    [](const auto& each) { return each.explained == Explained::evicted; }));
}

/// Both parts have seen the same evictions, the second a few more.
TEST(Merge, EvictionsExplainEachKeyOfAllPartsOnce) {
  const std::vector<VerifyReport> parts = {part_with_evictions(1, 8, 10, 6),
                                           part_with_evictions(2, 9, 12, 9)};
  const VerifyReport whole = merge_reports(parts, 20);
  EXPECT_EQ(whole.difference_count(), 17u);
  EXPECT_EQ(explained_by_evictions(whole), 12u);
  EXPECT_EQ(listed_as_evicted(whole), 12u);
  EXPECT_EQ(whole.target.evictions.at(0).evicted, 12u);
  EXPECT_EQ(whole.target.evictions.at(0).explained, 12u);
  EXPECT_EQ(whole.target.evictions.at(1).explained, 0u);
}

/// Those that the lists have no room for count as well, and before those of later parts.
TEST(Merge, EvictionsThatAreNotListedCountToo) {
  std::vector<VerifyReport> parts = {part_with_evictions(1, 8, 10, 6),
                                     part_with_evictions(2, 9, 12, 9)};
  for (VerifyReport& each : parts) each.differences.resize(4);
  const VerifyReport whole = merge_reports(parts, 20);
  EXPECT_EQ(explained_by_evictions(whole), 12u);
  EXPECT_EQ(listed_as_evicted(whole), 8u);
  EXPECT_EQ(explained_by_evictions(merge_reports(parts, 0)), 12u);
}

/// What another server of the target has evicted explains nothing here.
TEST(Merge, EvictionsCountWhereTheyWere) {
  std::vector<VerifyReport> parts = {part_with_evictions(1, 8, 3, 3),
                                     part_with_evictions(2, 9, 3, 3)};
  for (Difference& each : parts[1].differences) {
    if (each.explained == Explained::evicted) each.evicted_by = {"b:2"};
  }
  parts[1].target.evictions = {{"b:1", 3, 0}, {"b:2", 2, 3}};
  EXPECT_EQ(explained_by_evictions(merge_reports(parts, 20)), 6u);  // b:2 had 1000 by another part
  for (VerifyReport& each : parts) each.target.evictions.back().evicted = 2;
  EXPECT_EQ(explained_by_evictions(merge_reports(parts, 20)), 5u);
}

TEST(Merge, SamplesAddUp) {
  auto parts = thirds({1, 2, 3});
  for (VerifyReport& each : parts) each.scope.sample = "1%", each.population = 1000;
  const VerifyReport whole = merge_reports(parts, 20);
  EXPECT_EQ(whole.population, 3000u);
  EXPECT_EQ(whole.differing_at_most, differing_at_most(3000, 30, 0));
}

/// A report that is written, read and written again is the same text.
RC_GTEST_PROP(ReadReport, comes_back, ()) {
  VerifyReport report = part({.db = {0, 3}, .match = "a*", .part = "2/7"},
                             *rc::gen::arbitrary<uint32_t>(), *rc::gen::inRange<uint64_t>(0, 5));
  report.started_ms = *rc::gen::inRange<int64_t>(0, 1ll << 42);
  report.problem = *rc::gen::element("", "a problem");
  report.notes = {"note"};
  report.flapping = report.flapping_keys.size();
  report.unverifiable.push_back({DbIndex{2}, *rc::gen::arbitrary<std::string>(), "why"});
  report.unverifiable_count = 1;
  report.expiry_grace = milliseconds(7);
  report.target.evictions = {{"b:1", *rc::gen::arbitrary<uint32_t>(), 3}};
  report.spilled_bytes = *rc::gen::arbitrary<uint32_t>();
  if (!report.differences.empty()) {
    report.differences[0].source_expiry = ExpireAt{5};
    report.differences[0].explained = Explained::evicted;
    report.differences[0].evicted_by = {"b:1"};
  }
  const std::string text = report_json(report);
  RC_ASSERT(report_json(parse_report(text, "report")) == text);
}

TEST(ReadReport, DamageIsSaid) {
  const std::string text = report_json(part({}, 1));
  for (const std::string& bad : {std::string(), std::string("{}"), text.substr(0, text.size() / 2)})
    EXPECT_THROW(parse_report(bad, "x"), UserError);
  EXPECT_THROW(read_report("/proc/nowhere"), UserError);
}

TEST(Merge, FilesOfPartsBecomeFilesOfTheWhole) {
  const auto base = std::filesystem::temp_directory_path() / fmt::format("merge-{}", ::getpid());
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i <= 2; ++i) {
    const auto directory = base / std::to_string(i);
    std::filesystem::create_directories(directory);
    write_report(part({.part = fmt::format("{}/2", i)}, 3), directory);
    std::ofstream(directory / "diff.jsonl") << (i == 2 ? "{\"line\":1}\n" : "");
    paths.push_back(i == 1 ? directory : directory / "report.json");
  }
  merge_files(paths, base / "whole", 20);
  EXPECT_EQ(read_report(base / "whole").compared, 6u);
  std::ifstream lines(base / "whole" / "diff.jsonl");
  std::string line;
  EXPECT_TRUE(std::getline(lines, line));
  EXPECT_EQ(line, "{\"line\":1}");
  EXPECT_THROW(merge_files(paths, paths[0], 20), UserError);
  std::filesystem::remove_all(base);
}

/// The lines tell the same as the report.
TEST(Merge, LinesLoseExplanationsThatOthersHave) {
  const auto base = std::filesystem::temp_directory_path() / fmt::format("evicted-{}", ::getpid());
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i <= 2; ++i) {
    paths.push_back(base / std::to_string(i));
    std::filesystem::create_directories(paths.back());
    const VerifyReport report = part_with_evictions(i, 5, 6, 4);
    write_report(report, paths.back());
    std::ofstream lines(paths.back() / "diff.jsonl");
    for (const Difference& each : report.differences)
      lines << difference_line(each, "different") << '\n';
  }
  merge_files(paths, base / "whole", 20);
  EXPECT_EQ(explained_by_evictions(read_report(base / "whole")), 6u);
  DiffReader reader(base / "whole" / "diff.jsonl");
  std::string evicted;
  for (auto line = reader.next(); line; line = reader.next())
    evicted += line->difference.explained == Explained::evicted ? 'e' : '-';
  EXPECT_EQ(evicted, "eeee-ee---");
  std::filesystem::remove_all(base);
}

}  // namespace
}  // namespace lockstep::verifier
