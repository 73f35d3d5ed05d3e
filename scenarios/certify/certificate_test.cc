#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scenarios/certify/certificate_files.h"
#include "scenarios/certify/certificate_json.h"
#include "scenarios/certify/test_certificates.h"

namespace lockstep::scenarios::certify {
namespace {

using nlohmann::json;

/// What reading `text` is refused with; empty: it is not.
std::string refusal(const std::string& text) {
  try {
    parse_certificate(text, "FILE");
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_arguments);
    return error.what();
  }
  return "";
}

TEST(CellsOf, PartsAreTheWholeEachOnce) {
  Request request{.from = {"a", "b", "c"},
                  .to = {"d", "e"},
                  .topologies = {Topology::standalone, Topology::cluster}};
  const auto whole = cells_of(request);
  ASSERT_EQ(whole.size(), 12u);
  EXPECT_EQ(whole[1].to, "e");
  EXPECT_EQ(whole[2].from, "b");
  EXPECT_EQ(whole[6].topology, Topology::cluster);
  request.parts = 5;
  std::vector<std::vector<Cell>> parts;
  for (request.part = 1; request.part <= 5; ++request.part) parts.push_back(cells_of(request));
  for (size_t i = 0; i < whole.size(); ++i) {
    const Cell& cell = parts.at(i % 5).at(i / 5);
    EXPECT_EQ(std::tie(cell.from, cell.to, cell.topology),
              std::tie(whole[i].from, whole[i].to, whole[i].topology));
  }
}

TEST(ExitCodeOf, NeverGreenByDefault) {
  Certificate certificate = sample();
  EXPECT_EQ(exit_code(certificate), ExitCode::different);
  certificate.cells[2] = certified_cell("old-1", "new-2");
  EXPECT_EQ(exit_code(certificate), ExitCode::unknown);
  certificate.cells[3].outcome = Outcome::unsupported;
  EXPECT_EQ(exit_code(certificate), ExitCode::unknown) << "two cells have not run";
  certificate.request.to = {"old-1", "new-2"};
  certificate.request.topologies = {Topology::standalone};
  EXPECT_EQ(count_outcomes(certificate)[static_cast<size_t>(Outcome::not_certified)], 0u);
  EXPECT_EQ(exit_code(certificate), ExitCode::ok);
}

/// Written, read and written again is the same text, whatever is in it.
RC_GTEST_PROP(Certificate, comes_back, ()) {
  const Certificate certificate = *arbitrary_certificate();
  const std::string text = to_json(certificate);
  RC_ASSERT(to_json(parse_certificate(text, "FILE")) == text);
}

/// No truncated file is taken for a certificate, nor one with a changed number of cells.
RC_GTEST_PROP(Certificate, is_refused_when_cut, ()) {
  const std::string text = to_json(*arbitrary_certificate());
  const size_t size = *rc::gen::inRange<size_t>(0, text.size() - 1);
  const std::string message = refusal(text.substr(0, size));
  RC_ASSERT(message.find("FILE: not a whole certificate: ") == 0);
}

/// Whatever is done to one byte: refused or read, never anything else.
RC_GTEST_PROP(Certificate, survives_damage, ()) {
  std::string text = to_json(*arbitrary_certificate());
  text[*rc::gen::inRange<size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
  refusal(text);
}

void expect_refused(const std::string& pointer, const json& value, const std::string& message) {
  json root = json::parse(to_json(sample()));
  root[json::json_pointer(pointer)] = value;
  EXPECT_EQ(refusal(root.dump()), "FILE: not a whole certificate: " + message) << pointer;
}

TEST(ReadCertificate, NamesTheFieldAndWhatIsWrong) {
  expect_refused("/kind", "x",
                 "kind: is not \"lockstep certificate\": no file of `lockstep certify`");
  expect_refused("/schema", 1,
                 "schema: 1 was written by another version of lockstep; this one reads 4: use the "
                 "one that wrote it");
  expect_refused("/command", 7, "command: text is expected, not 7");
  expect_refused("/extra", 7, "extra: no such field is known");
  expect_refused("/cells", json::object(), "cells: a list is expected, not object");
  expect_refused("/cells/1/cases", -1,
                 "cells[1].cases: a whole number from 0 on is expected, not -1");
  expect_refused("/cells/1/seconds", "1",
                 "cells[1].seconds: a number from 0 on is expected, not \"1\"");
  expect_refused("/cells/2/losses/0/what", nullptr,
                 "cells[2].losses[0].what: text is expected, not null");
  expect_refused("/cells/1/goals/0/possible", 1,
                 "cells[1].goals[0].possible: true or false is expected, not 1");
  expect_refused("/cells/1/families/0", 1, "cells[1].families[0]: text is expected, not 1");
  expect_refused("/cells/0/topology", "ring",
                 "cells[0].topology: \"ring\" is no topology (standalone, cluster)");
  expect_refused("/cells/0/outcome", "green",
                 "cells[0].outcome: \"green\" is no outcome (certified, certified_with_losses, "
                 "failed, unsupported, not_certified)");
  expect_refused("/request/part", 0, "request.part: there is no part 0 of 1");
  expect_refused("/request/from/1", "old-1", "request.from: \"old-1\" is there twice");
  expect_refused("/cells/0/from", "nobody",
                 "cells[0]: nobody to old-1 (standalone) is there twice, or is no cell of the "
                 "request");
  expect_refused("/totals/certified", 9, "totals.certified: 9 cells, but there are 1");
  expect_refused("/exit_code", 0, "exit_code: the cells say 1");
}

/// A green outcome that the cell itself denies.
TEST(ReadCertificate, NoOutcomeThatTheCellDenies) {
  const std::string outcome = "cells[0].outcome: ";
  expect_refused("/cells/0/passed", 0, outcome + "certified, but not all of its cases passed");
  expect_refused("/cells/0/passed", 9, outcome + "more cases passed than ran");
  expect_refused("/cells/0/goals/0/times", 0, outcome + "certified, but a goal was not met");
  expect_refused("/cells/0/losses", {{{"what", "a"}, {"keys", 1}}},
                 outcome + "certified without losses, but it has some");
  expect_refused("/cells/2/losses", json::array(),
                 "cells[2].outcome: certified with losses, but there are none");
  expect_refused("/cells/1/findings", json::array(),
                 "cells[1].outcome: failed, but it has no finding");
  expect_refused("/cells/0/try_again", true, outcome + "to be tried again, but it is decided");
  expect_refused("/cells/0/skipped_families", {"geo"},
                 "cells[0].skipped_families: \"geo\" has no reason in untried");
  expect_refused("/cells/0/retried", 1, outcome + "cases were run once more, and are not listed");
}

TEST(ReadCertificate, WhatIsNoCertificateAtAll) {
  EXPECT_EQ(refusal(""), "FILE: not a whole certificate: the file is empty");
  EXPECT_EQ(refusal("[]").find("FILE: not a whole certificate: kind: "), 0u);
  EXPECT_EQ(refusal("nonsense"), "FILE: not a whole certificate: it is not JSON from byte 2 on");
  json missing = json::parse(to_json(sample()));
  missing["cells"][0].erase("seed");
  EXPECT_EQ(refusal(missing.dump()), "FILE: not a whole certificate: cells[0].seed: is missing");
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("certificate-" + std::to_string(::getpid()) +
                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::filesystem::path directory_;
};

TEST_F(Files, AreWrittenAndRead) {
  write_files(sample(), directory_ / "a" / "b");
  EXPECT_EQ(to_json(read_certificate(directory_ / "a" / "b")), to_json(sample()));
  EXPECT_EQ(to_json(read_certificate(directory_ / "a" / "b" / "certificate.json")),
            to_json(sample()));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "a" / "b" / "certificate.md"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "a" / "b" / "junit.xml"));
  EXPECT_THROW(read_certificate(directory_), UserError);
}

/// A disk that is full: the device that always is stands where the new file would be written.
TEST_F(Files, AFullDiskLeavesTheOldOnes) {
  write_files(sample(), directory_);
  std::filesystem::create_symlink("/dev/full", directory_ / "certificate.json.new");
  Certificate other = sample();
  other.command = "another";
  try {
    write_files(other, directory_);
    FAIL() << "a full disk was written to";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("certificate.json: cannot be written: No space left"),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(read_certificate(directory_).command, sample().command);
  EXPECT_FALSE(std::filesystem::is_symlink(directory_ / "certificate.json.new"));
}

TEST_F(Files, WhereThereIsNoDirectory) {
  std::ofstream(directory_ / "file") << "x";
  EXPECT_THROW(write_files(sample(), directory_ / "file" / "below"), UserError);
  EXPECT_THROW(write_files(sample(), "/proc/nowhere"), UserError);
}

}  // namespace
}  // namespace lockstep::scenarios::certify
