#pragma once

#include <functional>
#include <map>
#include <memory>

#include "fixtures/address_plan.h"
#include "fixtures/deployment.h"
#include "scenarios/capability.h"
#include "scenarios/driver.h"
#include "scenarios/generate.h"
#include "scenarios/plan.h"
#include "scenarios/result.h"

namespace lockstep::scenarios {

/// The deployments of a scenario, started once and used by many cases.
class Stage {
 public:
  /// `progress` is told, in a line for a person, what a case does next.
  Stage(asio::any_io_executor executor, Scenario scenario, std::filesystem::path directory,
        std::function<void(const std::string&)> progress);

  /// Uses a deployment that runs already, of the scenario's kind, for `name`: it is emptied before
  /// each case, and left running. Before set_up(); it outlives the stage.
  void lend(const std::string& name, fixtures::Deployment& deployment);
  /// Starts every other deployment, all at once. Throws UserError.
  asio::awaitable<void> set_up();
  asio::awaitable<void> tear_down();
  /// Loads, writes, syncs, waits, compares. Failures are in the result; never throws them.
  asio::awaitable<CaseResult> run_case(uint64_t seed, std::filesystem::path directory);

  const Scenario& scenario() const { return scenario_; }
  fixtures::Deployment& deployment(const std::string& name);

 private:
  asio::awaitable<void> start_one(DeploymentSpec spec);
  asio::awaitable<void> reset();

  asio::any_io_executor executor_;
  Scenario scenario_;
  std::filesystem::path directory_;
  fixtures::AddressPlan addresses_;
  std::map<std::string, std::unique_ptr<fixtures::Deployment>> deployments_;
  std::map<std::string, fixtures::Deployment*> lent_;
  std::function<void(const std::string&)> progress_;
  bool used_ = false;
  friend class Case;
};

}  // namespace lockstep::scenarios
