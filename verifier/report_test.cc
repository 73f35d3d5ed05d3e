#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "verifier/info_text.h"
#include "verifier/progress.h"
#include "verifier/report_json.h"
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
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["verdict"], "different");
  EXPECT_EQ(json["counts"]["value"], 3);
  EXPECT_EQ(json["differences"][0]["key_base64"], "YQD/");
  EXPECT_EQ(json["differences"][0]["key"], "a\\x00\\xff");
  const auto line = nlohmann::json::parse(difference_line(sample().differences[0], "flapping"));
  EXPECT_EQ(line["status"], "flapping");
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
