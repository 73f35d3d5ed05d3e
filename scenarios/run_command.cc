#include "scenarios/run_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <random>

#include "fixtures/poll_until.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "fixtures/server_flags.h"
#include "scenarios/families.h"
#include "scenarios/html_report.h"
#include "scenarios/run_case.h"
#include "sync/base/error.h"
#include "sync/base/nearest.h"
#include "sync/base/units.h"

namespace lockstep::scenarios {

namespace fs = std::filesystem;

namespace {

struct RunFlags {
  std::vector<std::string> files;
  uint64_t seed = 0;  // 0: drawn
  uint64_t cases = 1;
  std::string out = "lockstep-results";
  bool keep = false;
  std::vector<std::string> families;
  std::optional<uint32_t> commands;
  std::string duration;  // empty: the file's
  bool quiet = false;
  std::vector<std::string> servers;  // flags that added to the catalogue
};

void override_workload(const RunFlags& flags, WorkloadSpec& workload) {
  if (!flags.families.empty()) workload.families = flags.families;
  if (flags.commands) workload.commands = *flags.commands;
  if (!flags.duration.empty()) workload.duration = parse_duration(flags.duration, "--duration");
}

uint64_t draw_seed() {
  std::random_device device;
  return 1 + (static_cast<uint64_t>(device()) << 16 | (device() & 0xffff)) % 1'000'000'000;
}

/// Makes DIR/NAME, or DIR/NAME-2, … that does not exist yet; no other run gets the same.
fs::path new_directory(const fs::path& parent, const std::string& name) {
  fixtures::make_directories(parent);
  for (unsigned n = 1;; ++n) {
    const fs::path path = parent / (n == 1 ? name : fmt::format("{}-{}", name, n));
    std::error_code error;
    if (fs::create_directory(path, error)) return fs::absolute(path);
    if (error)
      throw UserError(
          fmt::format("cannot make the directory {}: {}", path.string(), error.message()));
  }
}

/// As a person here would write it.
std::string shown(const fs::path& path) {
  const fs::path from_here = path.lexically_proximate(fs::current_path());
  return from_here.begin() == from_here.end() || *from_here.begin() == ".." ? path : from_here;
}

void print_case(const Scenario& scenario, const CaseResult& result,
                const std::vector<std::string>& servers) {
  const uint64_t commands = result.before.commands + result.during.commands;
  fmt::print("{:7} {}  seed {}  {} commands{}\n", to_string(result.verdict), scenario.name,
             result.seed, format_count(commands),
             result.verdict == Verdict::pass ? "" : "  " + result.reason);
  for (const CheckResult& check : result.checks)
    fmt::print("          {:8} {}: {}\n", to_string(check.verdict), check.name, check.detail);
  if (result.verdict != Verdict::pass)
    fmt::print("          repeat it: lockstep run {}/scenario.yaml --seed {}{}{}\n",
               shown(result.directory), result.seed, servers.empty() ? "" : " ",
               fmt::join(servers, " "));
  std::fflush(stdout);
}

/// The cases of one scenario file.
class FileRun {
 public:
  FileRun(const RunFlags& flags, Scenario scenario)
      : flags_(flags),
        scenario_(std::move(scenario)),
        directory_(new_directory(flags.out, scenario_.name)) {}

  boost::asio::awaitable<Verdict> run() {
    auto executor = co_await boost::asio::this_coro::executor;
    const uint64_t first = flags_.seed != 0 ? flags_.seed : draw_seed();
    const uint64_t last = first + flags_.cases - 1;
    fmt::print("{}: seed {}{}, results in {}\n", scenario_.name, first,
               flags_.cases > 1 ? fmt::format(" and the {} after it", flags_.cases - 1) : "",
               shown(directory_));
    Stage stage(executor, scenario_, directory_, [this](const std::string& line) { say(line); });
    say("starting servers");
    const std::string failure = co_await set_up(stage);
    if (!failure.empty()) co_return did_not_start(first, failure);
    Verdict worst = Verdict::pass;
    for (uint64_t i = 0; i < flags_.cases; ++i) {
      const Verdict verdict = co_await run_one(stage, first + i, last);
      if (verdict == Verdict::fail || worst == Verdict::pass) worst = verdict;
    }
    if (flags_.cases > 1)
      fmt::print("{}: {} passed, {} failed, {} unknown\n", scenario_.name, counts_[0], counts_[1],
                 counts_[2]);
    if (flags_.keep) co_await wait_for_the_user(stage);
    co_await stage.tear_down();
    fmt::print("report: {}\n", shown(last_ / "report.html"));
    co_return worst;
  }

 private:
  /// Why the servers did not start; empty: they did.
  static boost::asio::awaitable<std::string> set_up(Stage& stage) {
    try {
      co_await stage.set_up();
    } catch (const UserError& error) {
      co_return error.what();
    } catch (const ConnectionError& error) {
      co_return error.what();
    }
    co_return "";
  }

  /// Nothing is proved, and the scenarios after this one have their turn.
  Verdict did_not_start(uint64_t seed, const std::string& failure) {
    CaseResult result;
    result.seed = seed;
    result.reason = failure;
    result.directory = directory_;
    fixtures::write_text(directory_ / "scenario.yaml", to_yaml(scenario_));
    fixtures::write_text(directory_ / "verdict.json", to_json(scenario_, result));
    write_report(scenario_, result);
    print_case(scenario_, result, flags_.servers);
    return Verdict::unknown;
  }

  boost::asio::awaitable<Verdict> run_one(Stage& stage, uint64_t seed, uint64_t last) {
    last_ = flags_.cases == 1 ? directory_ : directory_ / fmt::format("seed-{}", seed);
    const CaseResult result = co_await stage.run_case(seed, last_);
    write_report(stage.scenario(), result);
    print_case(stage.scenario(), result, flags_.servers);
    ++counts_[static_cast<size_t>(result.verdict)];
    // Of many cases only those that did not pass are of interest.
    if (result.verdict == Verdict::pass && seed != last) fs::remove_all(last_);
    co_return result.verdict;
  }

  /// Ctrl-C or SIGTERM ends the waiting, and then everything is stopped in order.
  boost::asio::awaitable<void> wait_for_the_user(Stage& stage) {
    fmt::print("the servers go on until Ctrl-C:\n");
    for (const DeploymentSpec& spec : stage.scenario().deployments) {
      for (const auto* server : stage.deployment(spec.name).servers())
        fmt::print("  {:12} redis-cli -h {}\n", server->name(), server->endpoint().host);
    }
    std::fflush(stdout);
    boost::asio::signal_set signals(co_await boost::asio::this_coro::executor, SIGINT, SIGTERM);
    co_await signals.async_wait(boost::asio::use_awaitable);
  }

  void say(const std::string& line) {
    if (!flags_.quiet && flags_.cases == 1) fmt::print(stderr, "  … {}\n", line);
  }

  const RunFlags& flags_;
  Scenario scenario_;
  fs::path directory_, last_;
  uint64_t counts_[3] = {0, 0, 0};
};

/// A family of which nothing would be run must not end in a pass.
void require_usable_families(const Scenario& scenario, const std::string& file) {
  const auto names = unusable_families(scenario.workload, capability_of(scenario));
  if (names.empty()) return;
  throw UserError(fmt::format("{}: no command of the family \"{}\" can be run with these servers: "
                              "their versions or topologies do not take it",
                              file, names.front()),
                  ExitCode::bad_arguments);
}

int run_files(const RunFlags& flags) {
  signal(SIGPIPE, SIG_IGN);
  std::vector<Scenario> scenarios;  // all are read before the first one runs
  for (const std::string& file : flags.files) {
    scenarios.push_back(read_scenario(file));
    override_workload(flags, scenarios.back().workload);
    require_usable_families(scenarios.back(), file);
  }
  Verdict worst = Verdict::pass;
  for (Scenario& scenario : scenarios) {
    FileRun file(flags, std::move(scenario));
    Verdict verdict = Verdict::unknown;
    auto body = [&]() -> boost::asio::awaitable<void> { verdict = co_await file.run(); };
    fixtures::run(body());
    if (verdict == Verdict::fail || worst == Verdict::pass) worst = verdict;
  }
  return static_cast<int>(exit_code(worst));
}

void check_families(const std::vector<std::string>& families) {
  for (const std::string& name : families) {
    if (!is_family(name))
      throw UserError(fmt::format("--family: there is no \"{}\"; did you mean \"{}\"?", name,
                                  nearest(name, family_names())),
                      ExitCode::bad_arguments);
  }
}

}  // namespace

void add_run_command(CLI::App& app, std::function<int()>& action) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command = app.add_subcommand(
      "run",
      "Start real servers, generate load, sync them, and prove the result: one scenario file");
  command->add_option("files", flags->files, "Scenario files (scenarios/*.yaml)")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--seed", flags->seed,
                   "Of the workload: the same seed gives the same input; 0: one is drawn")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 62))
      ->capture_default_str();
  command->add_option("--cases", flags->cases, "Runs with this seed and those after it")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000}))
      ->capture_default_str();
  command->add_option("--family", flags->families,
                      "Workload families instead of those of the file (repeatable)");
  command
      ->add_option("--commands", flags->commands,
                   "Steps of the workload instead of the file's number")
      ->check(CLI::Range(uint32_t{0}, uint32_t{10'000'000}));
  command->add_option("--duration", flags->duration,
                      "Over which they are spread instead of the file's: 300ms, 5s");
  command->add_option("--out", flags->out, "Each run gets a directory of its own in this one")
      ->capture_default_str();
  command->add_flag("--keep", flags->keep, "Leave the servers running at the end, until Ctrl-C");
  command->add_flag("--quiet", flags->quiet, "Verdicts only");
  fixtures::add_server_flags(*command, flags->servers);
  command->footer(
      "The result directory holds scenario.yaml, plan.txt, commands.redis (input for redis-cli),\n"
      "logs of every node and tool, verify-*/report.json and diff.jsonl, verdict.json, "
      "report.html.\n"
      "Exit codes: 0 passed, 1 a difference was found, 2 could not tell, 254 bad arguments, 255 "
      "crashed");
  command->callback([&action, flags] {
    action = [flags] {
      check_families(flags->families);
      return run_files(*flags);
    };
  });
}

}  // namespace lockstep::scenarios
