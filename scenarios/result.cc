#include "scenarios/result.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lockstep::scenarios {

using nlohmann::json;

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::skipped:
      return "skipped";
    case Verdict::unknown:
      break;
  }
  return "unknown";
}

ExitCode exit_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return ExitCode::ok;
    case Verdict::fail:
      return ExitCode::different;
    case Verdict::skipped:
    case Verdict::unknown:
      break;
  }
  return ExitCode::unknown;
}

Verdict worst_of(const std::vector<CheckResult>& checks) {
  const auto is = [](Verdict verdict) {
    return [verdict](const CheckResult& check) { return check.verdict == verdict; };
  };
  if (std::any_of(checks.begin(), checks.end(), is(Verdict::fail))) return Verdict::fail;
  if (std::any_of(checks.begin(), checks.end(), is(Verdict::unknown))) return Verdict::unknown;
  return std::any_of(checks.begin(), checks.end(), is(Verdict::pass)) ? Verdict::pass
                                                                      : Verdict::unknown;
}

namespace {

/// Nothing but the data that was there before has been proved then.
bool all_refused(const CaseResult& result) {
  uint64_t errors = 0;
  for (const ExecutionStats* part : {&result.before, &result.during})
    for (const auto& [code, count] : part->errors) errors += count;
  const uint64_t commands = result.before.commands + result.during.commands;
  return commands > 0 && errors >= commands;
}

}  // namespace

void conclude(CaseResult& result, const std::string& failure) {
  const auto add = [&](const std::string& text) {
    result.reason += (result.reason.empty() ? "" : "; ") + text;
  };
  result.reason.clear();
  const Verdict worst = worst_of(result.checks);
  const bool ended = !failure.empty();
  result.verdict = ended && worst != Verdict::fail ? Verdict::unknown : worst;
  for (const CheckResult& check : result.checks) {
    const bool said = check.verdict == Verdict::pass || check.verdict == Verdict::skipped;
    if (!said) add(check.name + ": " + check.detail);
  }
  if (ended) add(failure);
  if (result.verdict == Verdict::pass && all_refused(result)) {
    result.verdict = Verdict::unknown;
    add("the source refused every command of the workload");
  }
  if (result.verdict != Verdict::pass && result.reason.empty())
    result.reason = "none of the checks could be made between these servers";
}

namespace {

json to_json(const ExecutionStats& stats) {
  return {{"commands", stats.commands},
          {"error_replies", stats.errors},
          {"succeeded", stats.succeeded},
          {"connections_lost", stats.connections_lost},
          {"latest_ms", stats.latest.count()}};
}

}  // namespace

std::string to_json(const Scenario& scenario, const CaseResult& result) {
  json root = {{"schema", 1},
               {"scenario", scenario.name},
               {"seed", result.seed},
               {"verdict", to_string(result.verdict)},
               {"reason", result.reason},
               {"keys_loaded", result.keys_loaded},
               {"coverage", result.coverage},
               {"before", to_json(result.before)},
               {"during", to_json(result.during)},
               {"checks", json::array()},
               {"phases", json::array()},
               {"sync", json::array()}};
  for (const CheckResult& check : result.checks)
    root["checks"].push_back({{"name", check.name},
                              {"verdict", to_string(check.verdict)},
                              {"detail", check.detail},
                              {"losses", check.losses}});
  for (const Phase& phase : result.phases)
    root["phases"].push_back({{"name", phase.name}, {"ms", phase.duration.count()}});
  for (const std::string& status : result.engine_status)
    root["sync"].push_back(json::parse(status, nullptr, false));
  // What a tool prints need not be UTF-8.
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace lockstep::scenarios
