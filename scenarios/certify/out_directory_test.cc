#include "scenarios/certify/out_directory.h"

#include <gtest/gtest.h>

#include "sync/base/error.h"

namespace lockstep::scenarios::certify {
namespace {

namespace fs = std::filesystem;

class out_directory : public testing::Test {
 protected:
  void expect_refused(const std::string& words) {
    try {
      const OutDirectory out(path());
      FAIL() << "it was taken";
    } catch (const UserError& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_arguments);
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  }
  fs::path path() const { return directory_.path() / "out"; }

  fixtures::TemporaryDirectory directory_;
};

TEST_F(out_directory, a_folder_of_servers_that_is_not_ours_is_never_removed) {
  fs::create_directories(path() / "servers");
  fixtures::write_text(path() / "servers" / "mine", "precious");
  expect_refused("servers");
  EXPECT_EQ(fixtures::read_text(path() / "servers" / "mine"), "precious");
}

TEST_F(out_directory, what_a_killed_run_left_is_removed_and_what_a_case_left_is_not) {
  {
    const OutDirectory killed(path());
    fixtures::write_text(killed.servers() / "node", "x");
    fixtures::write_text(killed.cases() / "case", "x");
  }
  OutDirectory out(path());
  EXPECT_FALSE(fs::exists(out.servers() / "node"));
  EXPECT_TRUE(fs::exists(out.cases() / "case"));
  out.clear();
  EXPECT_FALSE(fs::exists(out.servers()));
  EXPECT_TRUE(fs::exists(out.cases() / "case"));
}

TEST_F(out_directory, is_of_one_run_at_a_time) {
  {
    const OutDirectory one(path());
    fixtures::write_text(one.servers() / "node", "x");
    expect_refused("another `lockstep certify`");
    EXPECT_TRUE(fs::exists(one.servers() / "node"));
  }
  const OutDirectory next(path());
}

}  // namespace
}  // namespace lockstep::scenarios::certify
