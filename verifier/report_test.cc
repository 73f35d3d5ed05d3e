#include <gtest/gtest.h>

#include <boost/property_tree/xml_parser.hpp>
#include <nlohmann/json.hpp>

#include "verifier/base64.h"
#include "verifier/info_text.h"
#include "verifier/progress.h"
#include "verifier/report_json.h"
#include "verifier/report_junit.h"
#include "verifier/report_text.h"

namespace lockstep::verifier {
namespace {

/// The examples of RFC 4648.
TEST(Base64, AsTheStandardSays) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

VerifyReport sample() {
  VerifyReport report;
  report.verdict = Verdict::different;
  report.source.nodes = report.target.nodes = {"127.0.0.1:6379"};
  report.counts[static_cast<size_t>(DiffClass::value)] = 3;
  report.differences.push_back({.diff_class = DiffClass::value, .key = std::string("a\0\xff", 3)});
  return report;
}

TEST(ReportJson, IsJsonWhateverTheKey) {
  const auto json = nlohmann::json::parse(report_json(sample()));
  EXPECT_EQ(json["schema"], report_schema);
  EXPECT_EQ(json["verdict"], "different");
  EXPECT_EQ(json["counts"]["value"], 3);
  EXPECT_EQ(json["differences"][0]["key_base64"], "YQD/");
  EXPECT_EQ(json["differences"][0]["key"], "a\\x00\\xff");
  const auto line = nlohmann::json::parse(difference_line(sample().differences[0], "flapping"));
  EXPECT_EQ(line["status"], "flapping");
}

/// Every class of finding, with bytes that neither XML nor UTF-8 can hold.
VerifyReport full_sample() {
  VerifyReport report = sample();
  report.problem = "1 keys could not be compared <&\">\x01\xff …";
  report.method = "snapshot";
  report.cut = "settle";
  report.source.urls = {"redis://user@host?a&b"};
  report.notes = {"a ]]> note"};
  report.unverifiable_count = 1;
  report.unverifiable.push_back({DbIndex{2}, "m\xff", "a module's value"});
  report.flapping = 1;
  report.flapping_keys.push_back({.diff_class = DiffClass::value, .key = "f"});
  return report;
}

boost::property_tree::ptree parsed(const std::string& xml) {
  std::istringstream in(xml);
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(in, tree);
  return tree;
}

TEST(ReportJunit, IsWellFormedAndCountsWhatItSays) {
  const auto tree = parsed(report_junit(full_sample()));
  const auto& suite = tree.get_child("testsuites.testsuite");
  std::map<std::string, std::string> outcomes;
  for (const auto& [tag, node] : suite) {
    if (tag != "testcase") continue;
    const bool failed = node.count("failure") > 0, error = node.count("error") > 0;
    outcomes[node.get<std::string>("<xmlattr>.name")] = failed ? "failure" : error ? "error" : "";
  }
  EXPECT_EQ(outcomes.size(), diff_class_count + 3);
  EXPECT_EQ(suite.get<size_t>("<xmlattr>.tests"), outcomes.size());
  EXPECT_EQ(suite.get<int>("<xmlattr>.failures"), 2);
  EXPECT_EQ(suite.get<int>("<xmlattr>.errors"), 2);
  EXPECT_EQ(outcomes["verdict"], "failure");
  EXPECT_EQ(outcomes["value"], "failure");
  EXPECT_EQ(outcomes["missing"], "");
  EXPECT_EQ(outcomes["unverifiable"], "error");
  EXPECT_EQ(outcomes["flapping"], "error");
}

TEST(ReportJunit, TextSurvivesTheParser) {
  const auto tree = parsed("<a>" + xml_text("<&\">'\n]]> …\x01\xff") + "</a>");
  EXPECT_EQ(tree.get<std::string>("a"), "<&\">'\n]]> …\\x01\\xff");
}

TEST(ReportJson, HoldsWhatFlappedAndWhatCouldNotBeCompared) {
  const auto json = nlohmann::json::parse(report_json(full_sample()));
  EXPECT_EQ(json["flapping"][0]["key"], "f");
  EXPECT_EQ(json["flapping"][0]["status"], "flapping");
  EXPECT_EQ(json["unverifiable"][0]["key_base64"], "bf8=");
  EXPECT_EQ(json["unverifiable"][0]["db"], 2);
  EXPECT_EQ(json["source"]["urls"][0], "redis://user@host?a&b");
  EXPECT_EQ(json["exit_code"], 1);
}

TEST(ReportText, ABinaryKeyAlsoStandsInBase64) {
  const std::string text = report_text(full_sample(), "");
  EXPECT_NE(text.find("base64: YQD/"), std::string::npos) << text;
  EXPECT_NE(text.find("base64: bf8="), std::string::npos) << text;
}

TEST(ReportText, SaysHowManyMoreThereAre) {
  const std::string text = report_text(sample(), "");
  EXPECT_TRUE(text.starts_with("DIFFERENT\n"));
  EXPECT_NE(text.find("… and 2 more"), std::string::npos) << text;
}

TEST(Report, ExitCodesFollowTheVerdict) {
  VerifyReport report;
  EXPECT_EQ(report.exit_code(), ExitCode::unknown);
  report.verdict = Verdict::equal;
  EXPECT_EQ(report.exit_code(), ExitCode::ok);
  report.verdict = Verdict::different;
  EXPECT_EQ(report.exit_code(), ExitCode::different);
}

TEST(InfoText, FieldsAndKeyspace) {
  const Bytes info =
      "# Server\r\nredis_version:7.0.15\r\nredis_version_x:1\r\n# Keyspace\r\n"
      "db0:keys=12,expires=1,avg_ttl=0\r\ndb15:keys=3,expires=0,avg_ttl=0\r\n";
  EXPECT_EQ(info_field(info, "redis_version"), "7.0.15");
  EXPECT_EQ(info_field(info, "version"), "");
  const auto keyspace = info_keyspace(info);
  ASSERT_EQ(keyspace.size(), 2u);
  EXPECT_EQ(keyspace[1].db, DbIndex{15});
  EXPECT_EQ(keyspace[1].keys, 3u);
}

TEST(ProgressLine, HasABarOnceItIsKnownHowFar) {
  EXPECT_EQ(progress_line({"reading", 0, 100}, 0), "reading");
  const std::string line = progress_line({"reading", 50, 100}, 10);
  EXPECT_NE(line.find(" 50%"), std::string::npos);
  EXPECT_NE(line.find("ETA 5.0 s"), std::string::npos) << line;
}

}  // namespace
}  // namespace lockstep::verifier
