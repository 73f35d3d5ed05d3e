// The runner as users have it: the program with a scenario file.

#include "fixtures/run.h"

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fixtures/child.h"
#include "fixtures/container_server.h"
#include "fixtures/join_all.h"
#include "fixtures/poll_until.h"
#include "fixtures/program.h"
#include "fixtures/run_files.h"
#include "scenarios/rdb_decoder.h"

namespace lockstep::scenarios {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using fixtures::Outcome;
using fixtures::read_text;
using fixtures::write_text;
using std::chrono::milliseconds;
using Words = std::vector<std::string>;

constexpr const char* two_servers =
    "deployments: {source: {}, target: {}}\n"
    "workload: {families: [everything], commands: 400, duration: 500ms}\n";

constexpr const char* by_lockstep = "sync: [{from: source, to: target}]\n";

class runner : public testing::Test {
 protected:
  std::string scenario(const std::string& text) {
    const fs::path path = directory_.path() / "scenario.yaml";
    write_text(path, "version: 1\nname: test\n" + text);
    return path;
  }
  asio::awaitable<Outcome> run(Words args) {
    args.insert(args.begin(), "run");
    args.insert(args.end(), {"--out", (directory_.path() / "results").string()});
    return fixtures::run_lockstep(args, std::chrono::seconds(120));
  }
  /// A scenario with two servers and a sync tool that is this shell script: $1 the source, $2 the
  /// target.
  std::string with_tool(const std::string& script, const std::string& more = "") {
    const fs::path tool = directory_.path() / "tool.sh";
    write_text(tool, script);
    return scenario(std::string(two_servers) +
                    "sync: [{from: source, to: target, driver: command, command: \"sh " +
                    tool.string() + " {from} {to}\"}]\n" + more);
  }
  fs::path results(const char* file) const { return directory_.path() / "results/test" / file; }

  fixtures::TemporaryDirectory directory_;
};

TEST_F(runner, passes_and_leaves_what_a_person_needs) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file = scenario(std::string(two_servers) + by_lockstep);
    Words args{file, "--seed", "11"};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("pass"), std::string::npos);
    for (const char* name : {"scenario.yaml", "plan.txt", "commands.redis", "sync-1.log",
                             "report.html", "nodes/source-1/log", "verify-target/report.json"})
      EXPECT_GT(read_text(results(name)).size(), 0u) << name;
    const auto verdict = nlohmann::json::parse(read_text(results("verdict.json")));
    EXPECT_EQ(verdict["verdict"], "pass");
    EXPECT_EQ(verdict["seed"], 11);
  };
  fixtures::run(body());
}

TEST_F(runner, a_seed_repeats_its_input) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file = scenario(std::string(two_servers) +
                                      "sync: [{from: source, to: target, driver: replicaof}]\n");
    Words args{file, "--seed", "7"};
    co_await run(args);
    const std::string first = read_text(results("commands.redis"));
    co_await run(args);
    EXPECT_EQ(first, read_text(directory_.path() / "results/test-2/commands.redis"));
    EXPECT_GT(first.size(), 1000u);
  };
  fixtures::run(body());
}

TEST_F(runner, flags_change_the_workload_and_the_result_keeps_them) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file = scenario(std::string(two_servers) + by_lockstep);
    Words args{file, "--seed", "7", "--family", "lists", "--commands", "60", "--duration", "200ms"};
    EXPECT_EQ((co_await run(args)).status, 0);
    Words again{results("scenario.yaml"), "--seed", "7"};
    EXPECT_EQ((co_await run(again)).status, 0);
    const std::string first = read_text(results("commands.redis"));
    EXPECT_EQ(first, read_text(directory_.path() / "results/test-2/commands.redis"));
    EXPECT_LE(std::count(first.begin(), first.end(), '\n'), 200);
    EXPECT_GE(std::count(first.begin(), first.end(), '\n'), 60);
    Words wrong{file, "--duration", "soon"};
    const Outcome outcome = co_await run(wrong);
    EXPECT_EQ(outcome.status, 254);
    EXPECT_NE(outcome.err.find("--duration"), std::string::npos) << outcome.err;
  };
  fixtures::run(body());
}

/// A sync tool that adds a key of its own to the target.
constexpr const char* bad_tool = R"(
from=${1%:*} to=${2%:*}
redis-cli -h "$to" replicaof "$from" 6379
until redis-cli -h "$to" info replication | grep -q master_link_status:up; do :; done
redis-cli -h "$to" config set replica-read-only no
redis-cli -h "$to" set planted here
exec sleep 1000
)";

TEST_F(runner, another_tool_that_errs_is_found_out) {
  const auto body = [this]() -> asio::awaitable<void> {
    Words args{with_tool(bad_tool), "--seed", "3"};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
    EXPECT_NE(read_text(results("verify-target/diff.jsonl")).find("planted"), std::string::npos);
    EXPECT_NE(read_text(results("report.html")).find("planted"), std::string::npos);
  };
  fixtures::run(body());
}

TEST_F(runner, a_server_that_crashes_is_named_with_its_last_words) {
  const auto body = [this]() -> asio::awaitable<void> {
    Words args{with_tool("redis-cli -h ${2%:*} debug segfault\nexec sleep 1000\n"), "--seed", "3"};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    const std::string reason =
        nlohmann::json::parse(read_text(results("verdict.json")))["reason"].get<std::string>();
    EXPECT_TRUE(reason.starts_with("the server target-1 (")) << reason;
    EXPECT_NE(reason.find(" crashed by signal: 11"), std::string::npos) << reason;
    EXPECT_NE(outcome.out.find("the server target-1"), std::string::npos) << outcome.out;
  };
  fixtures::run(body());
}

TEST_F(runner, another_decoder_alone_finds_it_out_too) {
  if (!find_rdb_decoder())
    GTEST_SKIP() << "Skipped: the RDB decoder is not on this machine; ci/rdb-decoder installs it";
  const auto body = [this]() -> asio::awaitable<void> {
    Words args{with_tool(bad_tool, "checks: {verify: no, lists: no, digest: no, rdb_files: yes}\n"),
               "--seed", "3"};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
    for (const char* what : {"missing 0, extra 1, different 0", "first extra \"planted\""})
      EXPECT_NE(outcome.out.find(what), std::string::npos) << outcome.out;
    EXPECT_GT(read_text(results("rdb-target/target-1.rdb")).size(), 0u);
  };
  fixtures::run(body());
}

TEST_F(runner, a_tool_that_ends_at_once_is_no_proof) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file =
        scenario(std::string(two_servers) +
                 "sync: [{from: source, to: target, driver: command, command: \"echo no\"}]\n");
    Words args{file};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("the tool ended: no"), std::string::npos) << outcome.out;
  };
  fixtures::run(body());
}

TEST_F(runner, faults_of_a_scenario_are_named_before_anything_starts) {
  const auto body = [this]() -> asio::awaitable<void> {
    Words args{scenario(std::string(two_servers) + "sink: [{from: source, to: target}]\n")};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 254);
    EXPECT_NE(outcome.err.find("scenario.yaml:5:1"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("did you mean \"sync\"?"), std::string::npos) << outcome.err;
    Words server{
        scenario("deployments: {source: {server: redis-9.9}, target: {}}\n"
                 "sync: [{from: source, to: target}]\n")};
    const Outcome unknown = co_await run(server);
    EXPECT_EQ(unknown.status, 254);
    EXPECT_NE(unknown.err.find("redis-9.9"), std::string::npos) << unknown.err;
  };
  fixtures::run(body());
}

TEST_F(runner, what_a_tool_prints_need_not_be_text) {
  const auto body = [this]() -> asio::awaitable<void> {
    Words args{with_tool("printf '\\377\\n'; exit 1\n")};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    EXPECT_EQ(nlohmann::json::parse(read_text(results("verdict.json")))["verdict"], "unknown");
  };
  fixtures::run(body());
}

TEST_F(runner, of_many_cases_the_last_keeps_its_report) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file = scenario(std::string(two_servers) + by_lockstep);
    Words args{file, "--cases", "2"};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    const size_t at = outcome.out.find("report: ") + 8;
    const std::string report = outcome.out.substr(at, outcome.out.find('\n', at) - at);
    // As the program, which runs there, has written it.
    EXPECT_TRUE(fs::exists(fs::temp_directory_path() / report)) << outcome.out;
  };
  fixtures::run(body());
}

TEST_F(runner, servers_that_do_not_start_are_no_verdict_and_the_next_scenario_runs) {
  const auto body = [this]() -> asio::awaitable<void> {
    const fs::path other = directory_.path() / "other.yaml";
    write_text(other, "version: 1\nname: other\n" + std::string(two_servers) +
                          "sync: [{from: source, to: target}]\n");
    const std::string file = scenario(
        "deployments: {source: {config: {maxmemory: much}}, target: {}}\n"
        "sync: [{from: source, to: target}]\n");
    Words args{file, other.string(), "--seed", "4"};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("'maxmemory much'"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("pass    other"), std::string::npos) << outcome.out;
    EXPECT_EQ(nlohmann::json::parse(read_text(results("verdict.json")))["verdict"], "unknown");
  };
  fixtures::run(body());
}

TEST_F(runner, a_family_that_the_servers_do_not_take_is_no_pass) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file = scenario(
        "deployments: {source: {}, target: {topology: cluster}}\n"
        "sync: [{from: source, to: target}]\n");
    Words args{file, "--family", "databases"};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 254) << outcome.out;
    EXPECT_NE(outcome.err.find("no command of the family \"databases\""), std::string::npos)
        << outcome.err;
  };
  fixtures::run(body());
}

TEST_F(runner, a_check_that_cannot_be_made_is_no_pass) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file =
        scenario(std::string(two_servers) + "sync: [{from: source, to: target}]\n" +
                 "checks: {verify: no, lists: no, digest: yes, evicted_is_missing: yes}\n");
    Words args{file};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("skipped  DEBUG DIGEST-VALUE of target"), std::string::npos)
        << outcome.out;
    EXPECT_NE(outcome.out.find("none of the checks could be made"), std::string::npos)
        << outcome.out;
  };
  fixtures::run(body());
}

TEST_F(runner, two_at_once_have_directories_of_their_own) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string file = scenario(std::string(two_servers) + by_lockstep);
    const auto one = [&]() -> asio::awaitable<void> {
      Words args{file, "--seed", "2"};
      const Outcome outcome = co_await run(args);
      EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    };
    std::vector<asio::awaitable<void>> both;
    both.push_back(one());
    both.push_back(one());
    co_await fixtures::join_all(std::move(both));
    EXPECT_GT(read_text(results("verdict.json")).size(), 0u);
    EXPECT_GT(read_text(directory_.path() / "results/test-2/verdict.json").size(), 0u);
  };
  fixtures::run(body());
}

/// Processes of this machine whose command line has `text` in it.
size_t processes_with(const std::string& text) {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (std::isdigit(static_cast<unsigned char>(entry.path().filename().string()[0])) == 0)
      continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    std::string line;
    std::getline(file, line);
    if (line.find(text) != std::string::npos) ++count;
  }
  return count;
}

/// Starts a scenario with --keep, kills the runner with SIGKILL when its servers run and the engine
/// has copied, and waits for the servers' end. The runner's process id.
asio::awaitable<pid_t> kill_the_runner(std::string file, fs::path out) {
  auto executor = co_await asio::this_coro::executor;
  fixtures::ChildOptions options;
  options.program = fixtures::program_under_test();
  options.args = {"run", file, "--keep", "--out", out.string()};
  options.output = out.string() + ".out";
  fixtures::Child child(executor, options);
  std::string network;
  co_await fixtures::poll_until(std::chrono::seconds(100), "start of the servers",
                                [&]() -> asio::awaitable<std::string> {
                                  const std::string text = read_text(options.output);
                                  const size_t at = text.find("redis-cli -h ");
                                  if (at == std::string::npos) co_return "only: " + text;
                                  network = text.substr(at + 13, text.find('\n', at) - at - 13);
                                  network.erase(network.rfind('.') + 1);
                                  co_return "";
                                });
  EXPECT_GT(processes_with("redis-server " + network), 1u);
  child.signal(SIGKILL);
  co_await fixtures::poll_until(milliseconds(5000), "end of all servers",
                                [&]() -> asio::awaitable<std::string> {
                                  const size_t left = processes_with("redis-server " + network);
                                  co_return left == 0 ? "" : std::to_string(left) + " are left";
                                });
  co_return child.pid();
}

/// Its own children and theirs; `sleep` is how it can be recognised.
std::string tool_with_children(const std::string& sleep) {
  return std::string(two_servers) + "limits: {catch_up: 300ms}\n" +
         "sync: [{from: source, to: target, driver: command, command: \"cd / && (sleep " + sleep +
         " & sleep " + sleep + ")\"}]\n";
}

TEST_F(runner, nothing_of_a_tool_is_left) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string sleep = "7" + std::to_string(getpid());
    const std::string file = scenario(tool_with_children(sleep));
    Words args{file};
    const Outcome outcome = co_await run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("is not in target"), std::string::npos) << outcome.out;
    EXPECT_EQ(processes_with(sleep), 0u);
  };
  fixtures::run(body());
}

TEST_F(runner, nothing_of_a_tool_is_left_after_sigkill) {
  const auto body = [this]() -> asio::awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    const std::string sleep = "8" + std::to_string(getpid());
    fixtures::ChildOptions options;
    options.program = fixtures::program_under_test();
    options.args = {"run", scenario(tool_with_children(sleep)), "--keep", "--out",
                    (directory_.path() / "results").string()};
    fixtures::Child child(executor, options);
    const auto count_is = [sleep](bool some) -> asio::awaitable<std::string> {
      const size_t count = processes_with(sleep);
      co_return (count > 0) == some ? "" : std::to_string(count) + " run";
    };
    co_await fixtures::poll_until(std::chrono::seconds(60), "start of the tool",
                                  [&] { return count_is(true); });
    child.signal(SIGKILL);
    co_await fixtures::poll_until(milliseconds(5000), "end of the tool",
                                  [&] { return count_is(false); });
  };
  fixtures::run(body());
}

TEST_F(runner, nothing_is_left_after_sigkill) {
  const std::string file = scenario(
      "deployments: {source: {}, target: {topology: cluster, primaries: 2, replicas: 1}}\n"
      "sync: [{from: source, to: target}]\n"
      "workload: {commands: 100, duration: 100ms}\n");
  fixtures::run(kill_the_runner(file, directory_.path() / "results"));
}

TEST_F(runner, containers_go_with_the_runner_too) {
  const std::string why = fixtures::run(fixtures::why_no_containers());
  if (!why.empty()) GTEST_SKIP() << "Skipped: no containers: " << why;
  const std::string file = scenario(
      "deployments: {source: {backend: container}, target: {}}\n"
      "sync: [{from: source, to: target}]\n"
      "workload: {commands: 100, duration: 100ms}\n");
  const auto body = [this, file]() -> asio::awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    const fs::path out = directory_.path() / "results";
    const pid_t process = co_await kill_the_runner(file, out);
    const std::string label = "\n" + std::to_string(process) + "-";
    const auto why_not_removed = [executor, label]() -> asio::awaitable<std::string> {
      Words words{"ps", "-a", "--format", "{{.Label \"lockstep.run\"}}"};
      const std::string labels =
          co_await fixtures::run_program(executor, "docker", words, milliseconds(10000));
      co_return ("\n" + labels).find(label) == std::string::npos ? "" : labels;
    };
    co_await fixtures::poll_until(milliseconds(5000), "removal of the container", why_not_removed);
  };
  fixtures::run(body());
}

}  // namespace
}  // namespace lockstep::scenarios
