#include "scenarios/losses.h"

#include <gtest/gtest.h>

#include "fixtures/run_files.h"

namespace lockstep::scenarios {
namespace {

class find_losses_in : public testing::Test {
 protected:
  LossFindings losses(const std::string& differences, const std::string& left_out) {
    fixtures::write_text(directory_.path() / "diff.jsonl", differences);
    fixtures::write_text(directory_.path() / "unsupported.jsonl", left_out);
    return find_losses(directory_.path(), directory_.path() / "unsupported.jsonl", source_,
                       target_);
  }

  Holds source_, target_;
  fixtures::TemporaryDirectory directory_;
};

constexpr const char* missing_stream =
    "{\"db\":0,\"key_base64\":\"cw==\",\"class\":\"missing\",\"source_type\":\"stream\"}\n";
constexpr const char* left_out_stream =
    "{\"db\":0,\"key_base64\":\"cw==\",\"reason\":\"streams\"}\n";

TEST_F(find_losses_in, a_key_that_was_left_out_and_that_the_target_cannot_hold_is_one) {
  const LossFindings found = losses(missing_stream, left_out_stream);
  EXPECT_EQ(found.others, 0u);
  EXPECT_EQ(found.losses, (std::map<std::string, uint64_t>{{"streams", 1}}));
}

TEST_F(find_losses_in, a_value_of_another_type_is_missing_whatever_the_engine_says) {
  for (const char* type : {"string", "hash", "module", "none"}) {
    const std::string line = std::string(
                                 "{\"db\":0,\"key_base64\":\"cw==\",\"class\":\"missing\","
                                 "\"source_type\":\"") +
                             type + "\"}\n";
    const LossFindings found = losses(line, left_out_stream);
    EXPECT_EQ(found.others, 1u) << type;
    EXPECT_TRUE(found.losses.empty()) << type;
  }
  const std::string hash = "{\"db\":0,\"key_base64\":\"cw==\",\"reason\":\"field-expiry\"}\n";
  EXPECT_EQ(losses(missing_stream, hash).others, 1u);
  source_.server.modules = {"one"};
  const std::string module = "{\"db\":0,\"key_base64\":\"cw==\",\"reason\":\"module\"}\n";
  EXPECT_EQ(losses(missing_stream, module).others, 1u);
}

TEST_F(find_losses_in, what_could_not_be_told_is_no_difference) {
  const std::string unsure =
      "{\"status\":\"flapping\",\"db\":0,\"key_base64\":\"YQ==\",\"class\":\"value\"}\n"
      "{\"status\":\"unverifiable\",\"db\":0,\"key_base64\":\"Yg==\",\"reason\":\"why\"}\n";
  const LossFindings found = losses(missing_stream + unsure, left_out_stream);
  EXPECT_EQ(found.others, 0u);
  EXPECT_EQ(found.losses, (std::map<std::string, uint64_t>{{"streams", 1}}));
}

TEST_F(find_losses_in, the_engine_alone_is_not_believed) {
  target_.server.can["streams"] = true;
  EXPECT_EQ(losses(missing_stream, left_out_stream).others, 1u);
}

TEST_F(find_losses_in, what_the_engine_did_not_leave_out_is_missing) {
  EXPECT_EQ(losses(missing_stream, "").others, 1u);
  const std::string other_database = "{\"db\":1,\"key_base64\":\"cw==\",\"reason\":\"streams\"}\n";
  EXPECT_EQ(losses(missing_stream, other_database).others, 1u);
}

TEST_F(find_losses_in, another_difference_of_such_a_key_is_none) {
  const std::string extra = "{\"db\":0,\"key_base64\":\"cw==\",\"class\":\"extra\"}\n";
  const LossFindings found = losses(extra, left_out_stream);
  EXPECT_EQ(found.others, 1u);
  EXPECT_TRUE(found.losses.empty());
}

TEST_F(find_losses_in, the_verifier_is_believed) {
  const std::string library =
      "{\"db\":0,\"key_base64\":\"bA==\",\"class\":\"function\",\"explained\":\"unsupported\"}\n";
  const std::string stream =
      "{\"db\":0,\"key_base64\":\"cw==\",\"class\":\"missing\",\"source_type\":\"stream\","
      "\"explained\":\"unsupported\"}\n";
  const LossFindings found = losses(library + stream, "");
  EXPECT_EQ(found.others, 0u);
  EXPECT_EQ(found.losses,
            (std::map<std::string, uint64_t>{{"libraries of functions", 1}, {"streams", 1}}));
}

TEST_F(find_losses_in, a_line_that_is_no_object_is_a_difference) {
  EXPECT_EQ(losses("damaged\n", "").others, 1u);
}

}  // namespace
}  // namespace lockstep::scenarios
