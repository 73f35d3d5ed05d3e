#include "scenarios/certify/cell_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "fixtures/run_files.h"
#include "scenarios/certify/cell_outcome.h"
#include "scenarios/certify/cell_scenario.h"
#include "scenarios/certify/goals.h"
#include "scenarios/certify/untried.h"
#include "scenarios/run_case.h"
#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Further cases for a goal that was not met, each with a new seed.
constexpr uint64_t tries_for_a_goal = 8;
constexpr uint64_t first_seed_for_goals = seeds_of_a_cell / 2;

void say_nothing(const std::string&) {}

/// Paths below the folder in which the command was given, as a person there would write them.
std::string from_here(std::string text) {
  const std::string here = fs::current_path().string() + "/";
  for (size_t at = 0; (at = text.find(here, at)) != std::string::npos;) text.erase(at, here.size());
  return text;
}

class CellRun {
 public:
  CellRun(const RunContext& context, Cell cell) : context_(context), cell_(std::move(cell)) {}

  asio::awaitable<Cell> run() {
    const auto begin = Clock::now();
    ++cell_.attempts;
    std::string failure;
    try {
      co_await start();
      co_await run_families();
      co_await run_for_goals();
    } catch (const UserError& error) {
      failure = error.what();
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
    decide(cell_, failure);
    co_await leave();
    cell_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    co_return std::move(cell_);
  }

 private:
  asio::awaitable<void> start() {
    for (const std::string& name : {cell_.from, cell_.to}) {
      const std::string& failure = context_.facts.at(name).failure;
      if (!failure.empty()) throw UserError(failure);
    }
    co_await take_servers();
    for (const std::string& family : context_.request.families) {
      note_family(family, capability_of(scenario_of(family)), cell_);
    }
    note_modules(context_.facts.at(cell_.from).server, context_.facts.at(cell_.to).server, cell_);
    cell_.goals = goals_of(goal_pair());
  }

  GoalPair goal_pair() const {
    return {context_.facts.at(cell_.from).server, context_.facts.at(cell_.to).server,
            cell_.families, cell_.from == cell_.to};
  }

  /// Both clusters have databases where both servers can.
  Scenario scenario_of(const std::string& family) const {
    Scenario scenario = make_scenario(cell_, family);
    const bool both = context_.facts.at(cell_.from).server.has("cluster-databases") &&
                      context_.facts.at(cell_.to).server.has("cluster-databases");
    if (cell_.topology == Topology::cluster && both) {
      for (DeploymentSpec& spec : scenario.deployments)
        spec.config["cluster-databases"] = cluster_databases;
    }
    return scenario;
  }

  asio::awaitable<void> take_servers() {
    source_ = co_await context_.pool->take(cell_.from, cell_.topology);
    target_ = co_await context_.pool->take(cell_.to, cell_.topology);
  }

  /// What befell the servers in one case must not befall the next ones.
  asio::awaitable<void> change_servers() {
    for (Lease* lease : {&source_, &target_}) {
      if (*lease) co_await context_.pool->stop(std::move(*lease));
    }
    co_await take_servers();
  }

  asio::awaitable<void> run_families() {
    for (uint64_t n = 0; n < context_.request.cases; ++n)
      for (const std::string& family : cell_.families) co_await run_case(family, cell_.seed + n);
  }

  asio::awaitable<void> run_for_goals() {
    if (!cell_.findings.empty()) co_return;  // they have decided
    uint64_t seed = cell_.seed + first_seed_for_goals;
    for (uint64_t n = 0; n < tries_for_a_goal && !cell_.families.empty(); ++n) {
      std::vector<std::string> wanted;
      for (const Goal& goal : cell_.goals) {
        if (goal.met()) continue;
        const std::string family = family_for(goal, goal_pair());
        if (std::find(wanted.begin(), wanted.end(), family) == wanted.end())
          wanted.push_back(family);
      }
      for (const std::string& family : wanted) {
        co_await run_case(family, seed);
        ++seed;
      }
    }
  }

  asio::awaitable<void> run_case(std::string family, uint64_t seed) {
    CaseResult result = co_await play(scenario_of(family), seed);
    doubt(result);
    if (environment_failed(result)) {
      // It proves nothing, for or against: once more.
      keep_aside(result);
      ++cell_.retried;
      cell_.earlier.push_back(finding_of(family, result));
      co_await change_servers();
      result = co_await play(scenario_of(family), seed);
      doubt(result);
    }
    ++cell_.cases;
    cell_.commands += result.before.commands + result.during.commands;
    count_goals(family, result.coverage, cell_.goals);
    note_losses(result, cell_);
    note_checks(result, cell_);
    if (result.verdict == Verdict::pass) {
      ++cell_.passed;
      fs::remove_all(result.directory);
      co_return;
    }
    co_await add_finding(family, result);
  }

  asio::awaitable<CaseResult> play(Scenario scenario, uint64_t seed) {
    co_return co_await play_on(source_->deployment.get(), target_->deployment.get(),
                               std::move(scenario), seed);
  }

  asio::awaitable<CaseResult> play_on(fixtures::Deployment* source, fixtures::Deployment* target,
                                      Scenario scenario, uint64_t seed) {
    const fs::path directory = context_.directory / fmt::format("{}-seed-{}", scenario.name, seed);
    fs::remove_all(directory);
    Stage stage(context_.executor, std::move(scenario), directory, say_nothing);
    stage.lend("source", *source);
    stage.lend("target", *target);
    co_return co_await stage.run_case(seed, directory);
  }

  /// The next play of this case has a place of its own.
  void keep_aside(CaseResult& result) {
    const fs::path aside = result.directory.string() + "-environment";
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    fs::rename(result.directory, aside, ignored);
    if (!ignored) result.directory = aside;
  }

  Finding finding_of(const std::string& family, const CaseResult& result) const {
    Finding finding;
    finding.family = family;
    finding.seed = result.seed;
    finding.verdict = to_string(result.verdict);
    finding.reason = from_here(result.reason);
    finding.crashed = crash_of(result);
    finding.environment = environment_failed(result);
    finding.reproduction = reproduction_of(result);
    for (const Lease* lease : {&source_, &target_})
      keep_logs(*(*lease)->deployment, result.directory);
    return finding;
  }

  std::string reproduction_of(const CaseResult& result) const {
    return fmt::format("lockstep run {}/scenario.yaml --seed {}{}{}",
                       from_here(result.directory.string()), result.seed,
                       context_.server_flags.empty() ? "" : " ",
                       fmt::join(context_.server_flags, " "));
  }

  asio::awaitable<void> add_finding(std::string family, const CaseResult& result) {
    cell_.findings.push_back(finding_of(family, result));
    const bool failed = result.verdict == Verdict::fail;
    const std::string crash = failed ? "" : crash_of(result);
    if (failed || !crash.empty())
      cell_.findings.back().control =
          co_await control_words(family, result.seed, crash.substr(0, crash.find(": ")));
    co_await change_servers();
  }

  /// A control that cannot be made takes nothing from what was found. `crashed`: the server
  /// that did, which is all that was found; empty: none.
  asio::awaitable<std::string> control_words(std::string family, uint64_t seed,
                                             std::string crashed) {
    try {
      if (!crashed.empty()) co_return co_await run_crash_control(crashed, family, seed);
      co_return co_await run_control(family, seed);
    } catch (const std::exception& error) {
      co_return std::string("could not be tried: ") + error.what();
    }
  }

  /// What the servers' own replication does with the same input.
  asio::awaitable<std::string> run_control(std::string family, uint64_t seed) {
    if (cell_.topology == Topology::cluster)
      co_return "not tried: clusters do not replicate one another";
    if (!replicates(context_.facts.at(cell_.from).server, context_.facts.at(cell_.to).server))
      co_return fmt::format("not tried: {} loads no snapshot of {}", cell_.to, cell_.from);
    const CaseResult result = co_await play(make_control(cell_, family), seed);
    if (result.verdict == Verdict::pass) fs::remove_all(result.directory);
    co_return fmt::format("{}{}{}", to_string(result.verdict), result.reason.empty() ? "" : ": ",
                          from_here(result.reason));
  }

  /// Of the last finding: whether a server of that version crashes under the same commands with
  /// nothing but a replica of its own version: more than once, as it may be a matter of time.
  asio::awaitable<std::string> run_crash_control(std::string server, std::string family,
                                                 uint64_t seed) {
    if (cell_.topology == Topology::cluster)
      co_return "not tried: clusters do not replicate one another";
    constexpr int plays = 3;
    Cell own = cell_;
    own.from = own.to = server;
    for (int n = 1; n <= plays; ++n) {
      const CaseResult result = co_await play_apart(server, make_control(own, family), seed);
      const std::string crash = crash_of(result);
      if (!crash.empty()) {
        cell_.findings.back().crashes_alone = true;
        co_return fmt::format("{} into {}, without Lockstep: it crashes by itself ({}): {}", server,
                              server, crash.substr(crash.find(": ") + 2), reproduction_of(result));
      }
      fs::remove_all(result.directory);
    }
    co_return fmt::format("{} into {}, without Lockstep: no crash in {} plays of these commands",
                          server, server, plays);
  }

  /// On two servers that are there for this case alone.
  asio::awaitable<CaseResult> play_apart(std::string server, Scenario scenario, uint64_t seed) {
    Lease source = co_await context_.pool->take(server, cell_.topology);
    Lease target = co_await context_.pool->take(server, cell_.topology);
    CaseResult result = co_await play_on(source->deployment.get(), target->deployment.get(),
                                         std::move(scenario), seed);
    for (const Lease* lease : {&source, &target})
      keep_logs(*(*lease)->deployment, result.directory);
    co_await context_.pool->stop(std::move(source));
    co_await context_.pool->stop(std::move(target));
    co_return result;
  }

  /// What the servers said, all that they have run for considered.
  static void keep_logs(const fixtures::Deployment& deployment, const fs::path& directory) {
    for (const fixtures::Server* server : deployment.servers()) {
      std::error_code ignored;  // what the case itself left is more
      fs::copy_file(server->log_file(), directory / (server->name() + ".log"),
                    fs::copy_options::overwrite_existing, ignored);
    }
  }

  asio::awaitable<void> leave() {
    for (Lease* lease : {&source_, &target_})
      if (*lease) co_await context_.pool->give_back(std::move(*lease));
  }

  const RunContext& context_;
  Cell cell_;
  Lease source_, target_;
};

}  // namespace

asio::awaitable<Cell> run_cell(const RunContext& context, Cell cell) {
  CellRun run(context, std::move(cell));
  co_return co_await run.run();
}

}  // namespace lockstep::scenarios::certify
