#include "scenarios/run_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "fixtures/dataset.h"
#include "fixtures/join_all.h"
#include "fixtures/poll_until.h"
#include "fixtures/run_files.h"
#include "scenarios/capability.h"
#include "scenarios/checks.h"
#include "scenarios/coverage.h"
#include "scenarios/fallen_servers.h"
#include "scenarios/live_check.h"
#include "scenarios/module_values.h"
#include "scenarios/pressure.h"
#include "scenarios/server_facts.h"

namespace lockstep::scenarios {

using fixtures::Deployment;
using std::chrono::milliseconds;

Stage::Stage(asio::any_io_executor executor, Scenario scenario, std::filesystem::path directory,
             std::function<void(const std::string&)> progress)
    : executor_(executor),
      scenario_(std::move(scenario)),
      directory_(std::move(directory)),
      progress_(std::move(progress)) {}

asio::awaitable<void> Stage::start_one(DeploymentSpec spec) {
  fixtures::DeploymentOptions options;
  options.name = spec.name;
  options.topology = static_cast<fixtures::Topology>(spec.topology);
  options.spec = server_of(spec);
  options.primaries = spec.primaries;
  options.replicas = spec.replicas;
  options.container = spec.container;
  options.config = spec.config;
  options.start_limit = scenario_.limits.start;
  deployments_[spec.name] =
      co_await Deployment::start(executor_, addresses_, directory_ / "nodes", options);
}

asio::awaitable<void> Stage::set_up() {
  std::vector<asio::awaitable<void>> starts;
  for (const DeploymentSpec& spec : scenario_.deployments) {
    if (!lent_.contains(spec.name)) starts.push_back(start_one(spec));
  }
  co_await fixtures::join_all(std::move(starts));
}

void Stage::lend(const std::string& name, Deployment& deployment) {
  lent_[name] = &deployment;
  used_ = true;
}

Deployment& Stage::deployment(const std::string& name) {
  const auto lent = lent_.find(name);
  return lent == lent_.end() ? *deployments_.at(name) : *lent->second;
}

asio::awaitable<void> Stage::tear_down() {
  for (auto& [name, deployment] : deployments_) co_await deployment->stop();
  deployments_.clear();
}

asio::awaitable<void> Stage::reset() {
  for (const DeploymentSpec& spec : scenario_.deployments) {
    co_await relieve_memory(deployment(spec.name));
    co_await deployment(spec.name).flush();
  }
}

/// One case on a stage.
class Case {
 public:
  Case(Stage& stage, uint64_t seed, std::filesystem::path directory) : stage_(stage) {
    result_.seed = seed;
    result_.directory = std::move(directory);
  }

  asio::awaitable<CaseResult> run() {
    std::string failure;
    try {
      co_await run_phases();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    try {
      co_await go_on();
    } catch (const std::exception& error) {
      failure += (failure.empty() ? "" : "; ") + std::string(error.what());
    }
    for (const auto& driver : drivers_) result_.engine_status.push_back(driver->last_status());
    for (const std::string& status : result_.engine_status) add_engine(status, result_.coverage);
    combine_coverage(result_.coverage);
    drivers_.clear();
    conclude(result_, failure);
    if (result_.verdict != Verdict::pass) co_await tell_of_fallen_servers();
    keep();
    co_return std::move(result_);
  }

 private:
  /// Whatever a coroutine ends by, the flag goes down.
  struct Ended {
    explicit Ended(bool& running) : flag(running) {}
    ~Ended() { flag = false; }
    bool& flag;
  };

  /// A server that crashed explains what else is said, and is no proof against the tool.
  asio::awaitable<void> tell_of_fallen_servers() {
    std::string words;
    for (const DeploymentSpec& spec : scenario().deployments) {
      const auto fallen = co_await fallen_servers(stage_.deployment(spec.name));
      for (const FallenServer& each : fallen) words += each.words + "; ";
      result_.fallen.insert(result_.fallen.end(), fallen.begin(), fallen.end());
    }
    result_.reason = words + result_.reason;
  }

  /// What cannot be written down is still told.
  void keep() {
    try {
      fixtures::write_text(result_.directory / "verdict.json", to_json(scenario(), result_));
    } catch (const UserError& error) {
      if (result_.verdict == Verdict::pass) result_.verdict = Verdict::unknown;
      result_.reason += (result_.reason.empty() ? "" : "; ") + std::string(error.what());
    }
  }

  const Scenario& scenario() const { return stage_.scenario_; }
  Deployment& source() { return stage_.deployment(scenario().source().name); }

  template <typename Body>
  asio::awaitable<void> phase(std::string name, Body body) {
    stage_.progress_(name);
    const auto begin = std::chrono::steady_clock::now();
    co_await body();
    result_.phases.push_back({std::move(name), std::chrono::duration_cast<milliseconds>(
                                                   std::chrono::steady_clock::now() - begin)});
  }

  asio::awaitable<void> run_phases() {
    write_plan();
    if (stage_.used_) co_await phase("emptying the servers", [this] { return stage_.reset(); });
    stage_.used_ = true;
    if (scenario().data.keys > 0) co_await phase("loading data", [this] { return load_data(); });
    co_await phase("first part of the workload", [this] { return write_before(); });
    co_await phase("starting the sync", [this] { return start_and_hang(); });
    co_await phase("workload while the sync runs", [this] { return write_during(); });
    co_await phase("catching up", [this] { return catch_up(); });
    co_await phase("finishing the sync", [this] { return finish_syncs(); });
    co_await phase("comparing", [this] { return compare(); });
  }

  void write_plan() {
    plan_ = generate_plan(scenario().workload, capability_of(scenario()), result_.seed);
    if (scenario().checks.unsupported_is_missing)
      add_module_values(comparable_modules(),
                        static_cast<uint32_t>(scenario().workload.duration.count()), plan_);
    const auto& folder = result_.directory;
    fixtures::make_directories(folder);
    fixtures::write_text(folder / "scenario.yaml", to_yaml(scenario()));
    fixtures::write_text(folder / "seed", std::to_string(result_.seed) + "\n");
    fixtures::write_text(folder / "plan.txt", to_text(plan_));
    fixtures::write_text(folder / "commands.redis", to_redis_cli(plan_));
  }

  /// Those of the source whose values can be told apart: no target has the module, or all are the
  /// same server, whose payloads of equal values are the same bytes.
  std::vector<std::string> comparable_modules() {
    std::vector<std::string> modules = abilities_of(scenario().source()).modules;
    for (const std::string& name : scenario().targets()) {
      const DeploymentSpec& target = scenario().deployment(name);
      if (target.server == scenario().source().server) continue;
      const auto there = abilities_of(target).modules;
      std::erase_if(modules, [&](const std::string& module) {
        return std::find(there.begin(), there.end(), module) != there.end();
      });
    }
    return modules;
  }

  asio::awaitable<void> load_data() {
    fixtures::DatasetOptions options;
    options.keys = scenario().data.keys;
    options.expiries = scenario().data.expiries ? 0.1 : 0;
    options.short_expiries = 0.3;
    options.seed = result_.seed;
    options.mix = fixtures::Mix::everything;
    const Capability all = capability_of(scenario());
    options.version_max = all.oldest / 100 * 10000u + all.oldest % 100 * 100u + 99;
    options.field_expiry = all.field_expiry;
    std::vector<net::Endpoint> servers;
    for (const auto* server : source().primaries()) servers.push_back(server->endpoint());
    result_.keys_loaded = co_await fixtures::load_dataset(servers, options);
  }

  asio::awaitable<void> write_before() {
    result_.before = co_await execute(plan_.before, source().client_endpoint());
  }

  asio::awaitable<void> start_syncs() {
    const Ended ended(starting_);
    unsigned number = 0;
    for (const SyncSpec& spec : scenario().syncs) {
      DriverContext context;
      context.from = &stage_.deployment(spec.from);
      for (const std::string& name : spec.to) context.to.push_back(&stage_.deployment(name));
      context.spec = spec;
      context.directory = result_.directory;
      context.name = fmt::format("sync-{}", ++number);
      context.control_address = stage_.addresses_.network() + ".254";  // no node has it
      context.control_port = static_cast<uint16_t>(26380 + number);
      context.start_limit = scenario().limits.start;
      drivers_.push_back(make_driver(stage_.executor_, context));
      result_.tool_began = true;
      co_await drivers_.back()->start();
    }
  }

  asio::awaitable<void> write_during() {
    for (const std::string& name : scenario().targets())
      co_await limit_memory(stage_.deployment(name), scenario().pressure.target_policy,
                            scenario().pressure.headroom_kb);
    co_await limit_memory(source(), scenario().pressure.source_policy,
                          scenario().pressure.headroom_kb);
    co_await play_during();
    if (!scenario().pressure.relieve) co_return;
    for (const std::string& name : scenario().targets())
      co_await relieve_memory(stage_.deployment(name));
    co_await relieve_memory(source());
  }

  /// The workload; the verifier beside it where the scenario wants it.
  asio::awaitable<void> play_during() {
    writing_ = true;
    watch_.emplace(source(), *drivers_.front());
    std::vector<asio::awaitable<void>> parts;
    parts.push_back(end_hanging());
    parts.push_back(play());
    parts.push_back(watch_->watch_copy(writing_));
    if (scenario().checks.live) {
      for (const SyncSpec& sync : scenario().syncs) {
        for (const std::string& target : sync.to) parts.push_back(verify_live(sync, target));
      }
    }
    co_await fixtures::join_all(std::move(parts));
    result_.coverage = co_await watch_->end();
    result_.coverage.merge(coverage_of_clients(result_.during, scenario().workload.families));
    result_.coverage["module_writes"] =
        module_writes(result_.before) + module_writes(result_.during);
  }

  bool hangs() const { return scenario().pressure.target_hangs.count() > 0; }
  Deployment& hanging() { return stage_.deployment(scenario().syncs.front().to.front()); }

  asio::awaitable<void> start_and_hang() {
    std::vector<asio::awaitable<void>> parts;
    starting_ = true;
    parts.push_back(start_syncs());
    if (hangs()) parts.push_back(begin_hanging());
    co_await fixtures::join_all(std::move(parts));
  }

  asio::awaitable<void> begin_hanging() {
    co_await await_link(source(), starting_);
    stands_still_ = true;
    co_await signal_all(hanging(), SIGSTOP);
  }

  asio::awaitable<void> end_hanging() {
    if (stands_still_) co_await fixtures::pause(scenario().pressure.target_hangs);
    co_await go_on();
  }

  asio::awaitable<void> go_on() {
    if (std::exchange(stands_still_, false)) co_await signal_all(hanging(), SIGCONT);
  }

  asio::awaitable<void> play() {
    result_.during = co_await execute(plan_.during, source().client_endpoint());
    writing_ = false;
  }

  asio::awaitable<void> verify_live(const SyncSpec& sync, std::string target) {
    Comparison comparison{&stage_.deployment(sync.from), &stage_.deployment(target),
                          result_.directory, scenario().checks, scenario().limits.verify};
    const auto place = static_cast<size_t>(&sync - scenario().syncs.data());
    LiveTool tool{sync.driver == DriverKind::lockstep ? "1h" : "0s",  // the engine's default
                  drivers_[place]->control()};
    result_.checks.push_back(
        co_await check_live(stage_.executor_, comparison, writing_, std::move(tool)));
  }

  asio::awaitable<void> catch_up() {
    for (const auto& driver : drivers_) {
      std::string what = "catching up";
      co_await fixtures::poll_until(scenario().limits.catch_up, what,
                                    [&] { return driver->why_not_caught_up(); });
    }
  }

  asio::awaitable<void> finish_syncs() {
    for (const auto& driver : drivers_) co_await driver->finish(scenario().limits.finish);
  }

  asio::awaitable<void> compare() {
    for (const std::string& name : scenario().targets()) {
      const Comparison comparison{&source(), &stage_.deployment(name), result_.directory,
                                  scenario().checks, scenario().limits.verify};
      if (scenario().checks.verify)
        result_.checks.push_back(co_await check_verifier(stage_.executor_, comparison));
      if (has_only_unique_lists() && scenario().checks.lists)
        result_.checks.push_back(co_await check_unique_lists(comparison));
      if (scenario().checks.digest) {
        const std::string why = why_no_digest(name);
        if (why.empty()) {
          result_.checks.push_back(co_await check_digest(comparison));
        } else {
          result_.checks.push_back({"DEBUG DIGEST-VALUE of " + name, Verdict::skipped, why});
        }
      }
      if (scenario().checks.rdb_files && !scenario().checks.evicted_is_missing)
        result_.checks.push_back(co_await check_rdb_files(comparison));
    }
  }

  bool has_only_unique_lists() const {
    const auto& families = scenario().workload.families;
    return std::find(families.begin(), families.end(), "lists") != families.end();
  }

  /// Why the servers' digests say nothing; empty: they do.
  std::string why_no_digest(const std::string& target) {
    const fixtures::ServerSpec& from = source().options().spec;
    const fixtures::ServerSpec& to = stage_.deployment(target).options().spec;
    if (from.name != to.name) return "digests of different versions differ";
    if (from.commands < 500) return from.name + " has no DIGEST-VALUE";
    return scenario().checks.evicted_is_missing ? "it does not know what was evicted" : "";
  }

  Stage& stage_;
  Plan plan_;
  bool writing_ = false;
  bool starting_ = false;
  bool stands_still_ = false;
  std::optional<CoverageWatch> watch_;
  std::vector<std::unique_ptr<Driver>> drivers_;
  CaseResult result_;
};

asio::awaitable<CaseResult> Stage::run_case(uint64_t seed, std::filesystem::path directory) {
  Case one(*this, seed, std::move(directory));
  co_return co_await one.run();
}

}  // namespace lockstep::scenarios
