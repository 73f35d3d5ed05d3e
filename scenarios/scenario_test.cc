#include "scenarios/scenario.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "scenarios/run_case.h"
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
        Bad{"checks: {verify: no, lists: no, digest: no}\n", "without any check a run proves"},
        Bad{"pressure: {target_hangs: 1s, target_policy: allkeys-lru}\n",
            "target_hangs needs one sync into one target"},
        Bad{"limits: {catch_up: 4294967295min}\n", "f.yaml:8:10: \"catch_up\" must be a duration"},
        Bad{"data: {keys: 99999999999999999999}\n", "\"keys\" must be a whole number"},
        Bad{"workload: {before: nan}\n", "\"before\" must be a number from 0 to 1"},
        Bad{"---\nname: other\n", "f.yaml:8:1: a second scenario in the same file"},
        Bad{"a: [\n", "f.yaml:9:1: not YAML"}));

TEST(scenario, names_and_shapes_are_checked) {
  EXPECT_NE(error_of("version: 2\nname: x\n")
                .find("f.yaml:1:1: this program reads scenarios of version 1"),
            std::string::npos);
  EXPECT_NE(error_of("").find("needs the key \"version\""), std::string::npos);
  EXPECT_NE(error_of(",").find("f.yaml:1:1: not YAML"), std::string::npos);
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

std::string error_of_parts(const std::string& deployments, const std::string& sync) {
  return error_of("version: 1\nname: t\ndeployments: {" + deployments + "}\nsync: [" + sync +
                  "]\n");
}

struct BadParts {
  const char* deployments;
  const char* sync;
  const char* message;
};
void PrintTo(const BadParts& bad, std::ostream* out) { *out << bad.message; }

class BadScenarioParts : public testing::TestWithParam<BadParts> {};

TEST_P(BadScenarioParts, are_refused_before_anything_starts) {
  const std::string error = error_of_parts(GetParam().deployments, GetParam().sync);
  EXPECT_NE(error.find(GetParam().message), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    scenario, BadScenarioParts,
    testing::Values(
        BadParts{"../a: {}, b: {}", "{from: ../a, to: b}", "the name of a deployment must be of"},
        BadParts{"a: {server: redis-9.9}, b: {}", "{from: a, to: b}",
                 "f.yaml:3:19: server \"redis-9.9\" is not in the catalogue"},
        BadParts{"a: {server: proxy}, b: {}", "{from: a, to: b}",
                 "is a proxy; use topology: twemproxy"},
        BadParts{"a: {config: {Daemonize: yes}}, b: {}", "{from: a, to: b}",
                 "the runner sets \"daemonize\" itself"},
        BadParts{"a: {config: {save: \"900 1\\nport 7\"}}, b: {}", "{from: a, to: b}",
                 "\"save\" is not one line of redis.conf"},
        BadParts{"a: {config: {\"save 1 1\\nport\": 7}}, b: {}", "{from: a, to: b}",
                 "is not one line of redis.conf"},
        BadParts{"a: {topology: cluster, primaries: 64, replicas: 8}, b: {}", "{from: a, to: b}",
                 "577 nodes; one run has addresses for 250"},
        BadParts{"a: {}, b: {}, c: {}", "{from: a, to: b}", "no sync reads or writes \"c\""},
        BadParts{"a: {topology: cluster}, b: {}", "{from: a, to: b, driver: replicaof}",
                 "driver: replicaof copies standalone servers only"},
        BadParts{"a: {}, b: {topology: twemproxy}", "{from: a, to: b}", "not to a Twemproxy"},
        BadParts{"a: {}, b: {}, c: {}", "{from: a, to: [b, c], driver: command, command: x}",
                 "driver: command has one target"},
        BadParts{"a: {}, b: {}", "{from: a, to: b, driver: replicaof, options: [--x]}",
                 "the key \"options\" belongs to driver: lockstep"}));

TEST(scenario, its_name_is_one_of_a_directory) {
  for (const char* name : {"../x", "a/b", "''", "-x", "\"a\\nb\""})
    EXPECT_NE(error_of("version: 1\nname: " + std::string(name) + "\n").find("the name must be of"),
              std::string::npos)
        << name;
}

TEST(scenario, every_shipped_file_is_valid) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    const Scenario scenario = read_scenario(entry.path());
    EXPECT_EQ(unusable_families(scenario.workload, capability_of(scenario)),
              std::vector<std::string>())
        << entry.path();
  }
  EXPECT_GE(count, 15u);
}

}  // namespace
}  // namespace lockstep::scenarios
