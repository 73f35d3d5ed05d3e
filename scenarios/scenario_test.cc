#include "scenarios/scenario.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sync/base/error.h"

namespace lockstep::scenarios {
namespace {

const std::string head =
    "version: 1\n"
    "name: t\n"
    "deployments:\n"
    "  a: {topology: standalone}\n"
    "  b: {topology: cluster, primaries: 3}\n"
    "sync:\n"
    "  - {from: a, to: b}\n";

std::string error_of(const std::string& text) {
  try {
    parse_scenario(text, "f.yaml");
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_arguments);
    return error.what();
  }
  return "no error";
}

TEST(scenario, the_shortest_one_gets_all_defaults) {
  const Scenario scenario = parse_scenario(head, "f.yaml");
  EXPECT_EQ(scenario.source().name, "a");
  EXPECT_EQ(scenario.targets(), std::vector<std::string>{"b"});
  EXPECT_EQ(scenario.syncs[0].driver, DriverKind::lockstep);
  EXPECT_EQ(scenario.workload.families, std::vector<std::string>{"everything"});
  EXPECT_TRUE(scenario.checks.verify);
}

TEST(scenario, written_out_whole_it_reads_back_the_same) {
  const auto text =
      to_yaml(parse_scenario(head + "workload: {families: [lists, lua], before: 0.5}\n", "f"));
  EXPECT_EQ(to_yaml(parse_scenario(text, "g")), text);
  EXPECT_NE(text.find("duration: 5000ms"), std::string::npos);
}

struct Bad {
  const char* text;
  const char* message;
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.message; }

class BadScenario : public testing::TestWithParam<Bad> {};

TEST_P(BadScenario, is_refused_with_its_place) {
  EXPECT_NE(error_of(head + GetParam().text).find(GetParam().message), std::string::npos)
      << error_of(head + GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    scenario, BadScenario,
    testing::Values(
        Bad{"worklaod: {}\n",
            "f.yaml:8:1: unknown key \"worklaod\" in the scenario; did you mean \"workload\"?"},
        Bad{"workload:\n  commands: 5\n  conections: 2\n",
            "f.yaml:10:3: unknown key \"conections\""},
        Bad{"workload: {families: [list]}\n",
            "f.yaml:8:12: there is no workload family \"list\"; did you mean \"lists\"?"},
        Bad{"workload:\n  duration: 5\n", "f.yaml:9:3: \"duration\" must be a duration such as"},
        Bad{"data: {keys: -1}\n", "f.yaml:8:8: \"keys\" must be a whole number"},
        Bad{"data: [1]\n", "f.yaml:8:7: \"data\" must be a mapping"},
        Bad{"name: again\n",
            "f.yaml:8:1: key \"name\" stands twice in the scenario (first in line 2)"},
        Bad{"checks: {verify: maybe}\n", "\"verify\" cannot be \"maybe\""},
        Bad{"a: [\n", "f.yaml:9:1: not YAML"}));

TEST(scenario, names_and_shapes_are_checked) {
  EXPECT_NE(error_of("version: 2\nname: x\n")
                .find("f.yaml:1:1: this program reads scenarios of version 1"),
            std::string::npos);
  EXPECT_NE(error_of("").find("needs the key \"version\""), std::string::npos);
  EXPECT_NE(error_of("just text").find("must be a mapping"), std::string::npos);
  EXPECT_NE(error_of(std::string(2 << 20, ' ')).find("more than 1 MB"), std::string::npos);
  const std::string two = "version: 1\nname: t\ndeployments: {a: {}, b: {}, c: {}}\nsync:\n";
  EXPECT_NE(error_of(two + "  - {from: a, to: bb}\n")
                .find("f.yaml:5:15: there is no deployment \"bb\"; did you mean \"b\"?"),
            std::string::npos);
  EXPECT_NE(error_of(two + "  - {from: a, to: a}\n").find("into itself"), std::string::npos);
  EXPECT_NE(
      error_of(two + "  - {from: a, to: b}\n  - {from: c, to: b}\n").find("copied from before"),
      std::string::npos);
  EXPECT_NE(error_of(two + "  - {from: a, to: b}\n  - {from: a, to: b}\n").find("two syncs write"),
            std::string::npos);
  EXPECT_NE(
      error_of(two + "  - {from: a, to: b, driver: command}\n").find("\"command\" belongs to"),
      std::string::npos);
}

TEST(scenario, every_shipped_file_is_valid) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    EXPECT_NO_THROW(read_scenario(entry.path())) << entry.path();
  }
  EXPECT_GE(count, 1u);
}

}  // namespace
}  // namespace lockstep::scenarios
