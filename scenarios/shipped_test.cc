// Every scenario that is shipped passes; those that once found something first.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <cstdlib>

#include "fixtures/catalogue.h"
#include "fixtures/container_server.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "scenarios/rdb_decoder.h"
#include "scenarios/scenario.h"

namespace lockstep::scenarios {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// ci/quickstart runs the big one.
std::vector<std::string> shipped_files() {
  std::vector<std::string> files;
  for (const char* folder : {"scenarios/regressions", "scenarios"}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".yaml" && entry.path().stem() != "quickstart")
        files.push_back(entry.path());
    }
  }
  return files;
}

/// What this machine lacks for a scenario; empty: nothing.
std::string lacking(const Scenario& scenario) {
  for (const DeploymentSpec& spec : scenario.deployments) {
    if (spec.container) return fixtures::run(fixtures::why_no_containers());
    if (!spec.server.empty() && !fixtures::locate(fixtures::find_server(spec.server)))
      return spec.server + " is not on this machine; lockstep servers install fetches it";
  }
  return "";
}

class shipped : public testing::TestWithParam<std::string> {};

TEST_P(shipped, passes) {
  const std::string why = lacking(read_scenario(GetParam()));
  if (!why.empty()) GTEST_SKIP() << "Skipped: " << why;
  const bool wants_rdb_files =
      read_scenario(GetParam()).checks.rdb_files && find_rdb_decoder().has_value();
  const fixtures::TemporaryDirectory directory;
  const auto body = [&]() -> asio::awaitable<void> {
    std::vector<std::string> args{"run",   fs::absolute(GetParam()).string(), "--seed", "1",
                                  "--out", directory.path().string()};
    const auto outcome = co_await fixtures::run_lockstep(args, std::chrono::seconds(200));
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    // Else the other program's word is missing, and the verdict rests on ours.
    if (wants_rdb_files) {
      EXPECT_NE(outcome.out.find("pass     RDB files"), std::string::npos) << outcome.out;
    }
  };
  fixtures::run(body());
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = fs::path(info.param).stem();
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(scenario, shipped, testing::ValuesIn(shipped_files()), test_name);

}  // namespace
}  // namespace lockstep::scenarios
