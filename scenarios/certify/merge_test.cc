#include "scenarios/certify/merge.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <fstream>

#include "scenarios/certify/certificate_files.h"
#include "scenarios/certify/certificate_json.h"
#include "scenarios/certify/report_kind.h"
#include "scenarios/certify/test_certificates.h"

namespace lockstep::scenarios::certify {
namespace {

/// sample() with all of its cells, those that it lacks certified.
Certificate whole() {
  Certificate certificate = sample();
  certificate.ended = "2026-01-02T04:00:00Z";
  std::vector<Cell> cells = all_cells(certificate);
  for (Cell& cell : cells) {
    if (cell.reason != not_run) continue;
    const Topology topology = cell.topology;
    cell = certified_cell(cell.from, cell.to);
    cell.topology = topology;
  }
  certificate.cells = cells;
  return certificate;
}

/// As machines that share the work have it.
std::vector<Certificate> split(const Certificate& certificate, uint64_t count) {
  std::vector<Certificate> parts;
  for (uint64_t i = 1; i <= count; ++i) {
    Certificate part = certificate;
    part.command += " --shard " + std::to_string(i - 1) + "/" + std::to_string(count);
    part.request.part = i;
    part.request.parts = count;
    const Certificate all = part;
    part.cells.clear();
    for (const Cell* cell : done_cells(all)) part.cells.push_back(*cell);
    parts.push_back(std::move(part));
  }
  return parts;
}

std::string refusal(const std::vector<Certificate>& parts) {
  try {
    merge_certificates(parts);
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_arguments);
    return error.what();
  }
  return "";
}

/// However many parts, in whatever order they are given.
RC_GTEST_PROP(MergeCertificates, parts_are_the_whole, ()) {
  auto parts = split(whole(), *rc::gen::inRange<uint64_t>(1, 15));
  std::rotate(parts.begin(), parts.begin() + *rc::gen::inRange<long>(0, ssize(parts)), parts.end());
  RC_ASSERT(to_json(merge_certificates(parts)) == to_json(whole()));
}

TEST(MergeCertificates, AMissingPartIsNotCertified) {
  auto parts = split(whole(), 3);
  parts.erase(parts.begin() + 1);
  const Certificate merged = merge_certificates(parts);
  const auto cells = all_cells(merged);
  ASSERT_EQ(cells.size(), 12u);
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i % 3 != 1) continue;
    EXPECT_EQ(cells[i].outcome, Outcome::not_certified);
    EXPECT_EQ(cells[i].reason, "part 2 of 3 is missing");
  }
  EXPECT_EQ(exit_code(merge_certificates({split(whole(), 2)[0]})), ExitCode::unknown)
      << "the failed cell is in the other part";
}

TEST(MergeCertificates, APartThatWasStopped) {
  auto parts = split(whole(), 2);
  parts[0].cells.resize(2);
  parts[0].ended.clear();
  const Certificate merged = merge_certificates(parts);
  EXPECT_EQ(merged.ended, "");
  EXPECT_EQ(count_outcomes(merged)[static_cast<size_t>(Outcome::not_certified)], 4u);
  EXPECT_EQ(all_cells(merged)[4].reason,
            "part 1 of 2 was stopped before it: run that part again, which goes on");
}

TEST(MergeCertificates, TimesAndMachinesOfAll) {
  auto parts = split(whole(), 2);
  parts[0].command += " --out here";
  parts[1].machine = "4 cores, 8 GB, Linux";
  parts[1].started = "2026-01-01T00:00:00Z";
  parts[0].ended = "2026-01-03T00:00:00Z";
  parts[1].servers = {{"new-3", "3.0.3", "123", 12}};
  const Certificate merged = merge_certificates(parts);
  EXPECT_EQ(merged.machine, "2 cores, 4 GB, Linux; 4 cores, 8 GB, Linux");
  EXPECT_EQ(merged.started, "2026-01-01T00:00:00Z");
  EXPECT_EQ(merged.ended, "2026-01-03T00:00:00Z");
  EXPECT_EQ(merged.command, whole().command);
  ASSERT_EQ(merged.servers.size(), 3u);
  EXPECT_EQ(merged.servers[2].name, "new-3");
}

TEST(MergeCertificates, OnlyPartsOfOneRequest) {
  const auto expect_different = [](auto change, const std::string& what) {
    auto parts = split(whole(), 2);
    change(parts[1]);
    const std::string message = refusal(parts);
    EXPECT_EQ(message.find("these are certificates of different requests: the " + what + " is "),
              0u)
        << message;
  };
  expect_different([](Certificate& part) { part.request.seed = 8; }, "--seed");
  expect_different([](Certificate& part) { part.request.cases = 8; }, "--cases");
  expect_different([](Certificate& part) { part.request.parts = 8; }, "number of parts");
  expect_different([](Certificate& part) { part.request.from.pop_back(); }, "--from");
  expect_different([](Certificate& part) { part.request.to.pop_back(); }, "--to");
  expect_different([](Certificate& part) { part.request.topologies.pop_back(); }, "--topology");
  expect_different([](Certificate& part) { part.request.families.pop_back(); }, "--families");
  expect_different([](Certificate& part) { part.tool_version = "9"; }, "version of lockstep");
  auto parts = split(whole(), 2);
  parts.push_back(parts[0]);
  EXPECT_EQ(refusal(parts), "part 1 of 2 is there twice");
  EXPECT_EQ(refusal({}), "no certificate was given");
}

TEST(MergeCertificates, OtherBuildsAreNamed) {
  auto parts = split(whole(), 2);
  parts[1].servers[1].build_id = "xyz";
  EXPECT_EQ(refusal(parts),
            "new-2 is 2.0.2 (build def, RDB 11) in part 1 of 2, and 2.0.2 (build xyz, RDB 11) in "
            "part 2 of 2: one certificate speaks of one build. Give all machines the same servers, "
            "such as a copy of one cache");
}

class MergeFiles : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return directory_ / name; }
  void SetUp() override {
    std::filesystem::create_directories(directory_);
    const auto parts = split(whole(), 2);
    for (size_t i = 0; i < parts.size(); ++i) write_files(parts[i], path(std::to_string(i)));
    std::filesystem::create_directories(path("check"));
    std::ofstream(path("check") / "report.json") << R"({"verdict": "equal"})";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static std::string kind_refusal(const std::vector<std::filesystem::path>& paths) {
    try {
      kind_of_reports(paths);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() /
      ("merge-" + std::to_string(::getpid()) +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(MergeFiles, FilesOfPartsBecomeFilesOfTheWhole) {
  merge_certificate_files({path("0"), path("1") / "certificate.json"}, path("whole"));
  EXPECT_EQ(to_json(read_certificate(path("whole"))), to_json(whole()));
  EXPECT_THROW(merge_certificate_files({path("0"), path("1")}, path("1")), UserError);
  EXPECT_THROW(merge_certificate_files({path("whole"), path("1")}, path("x")), UserError);
  EXPECT_THROW(merge_certificate_files({path("0"), path("nowhere")}, path("x")), UserError);
  std::filesystem::resize_file(path("1") / "certificate.json", 500);
  EXPECT_THROW(merge_certificate_files({path("0"), path("1")}, path("x")), UserError);
  EXPECT_FALSE(std::filesystem::exists(path("x")));
}

TEST_F(MergeFiles, AreOfOneKind) {
  EXPECT_EQ(kind_of_reports({path("0"), path("1") / "certificate.json"}), ReportKind::certificate);
  EXPECT_EQ(kind_of_reports({path("check"), path("check") / "report.json"}), ReportKind::verify);
  EXPECT_EQ(kind_refusal({path("0"), path("check")}),
            path("check").string() + ": a report of `lockstep verify`, but " + path("0").string() +
                " is a certificate: they cannot be joined");
  EXPECT_NE(kind_refusal({path("0") / "junit.xml"}).find("neither a certificate"),
            std::string::npos);
  EXPECT_NE(kind_refusal({path(".")}).find("there is no certificate.json and no report.json in it"),
            std::string::npos);
  EXPECT_NE(kind_refusal({path("nowhere")}).find("there is no such file"), std::string::npos);
  std::filesystem::copy(path("check") / "report.json", path("0") / "report.json");
  EXPECT_NE(kind_refusal({path("0")}).find("holds a certificate.json and a report.json"),
            std::string::npos);
}

TEST_F(MergeFiles, ADamagedOneIsOfTheKindOfItsName) {
  std::ofstream(path("0") / "certificate.json") << "{\"kind\": \"lock";
  EXPECT_EQ(kind_of_reports({path("0") / "certificate.json"}), ReportKind::certificate);
}

}  // namespace
}  // namespace lockstep::scenarios::certify
