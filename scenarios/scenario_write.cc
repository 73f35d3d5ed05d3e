#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "scenarios/scenario.h"

namespace lockstep::scenarios {

namespace {

std::string ms(std::chrono::milliseconds duration) { return fmt::format("{}ms", duration.count()); }
const char* yes_no(bool value) { return value ? "yes" : "no"; }

template <typename Value>
void put(YAML::Emitter& out, const char* key, const Value& value) {
  out << YAML::Key << key << YAML::Value << value;
}

void write_deployments(YAML::Emitter& out, const Scenario& scenario) {
  out << YAML::Key << "deployments" << YAML::Value << YAML::BeginMap;
  for (const auto& spec : scenario.deployments) {
    out << YAML::Key << spec.name << YAML::Value << YAML::BeginMap;
    put(out, "topology", to_string(spec.topology));
    put(out, "server", spec.server);
    put(out, "primaries", spec.primaries);
    put(out, "replicas", spec.replicas);
    put(out, "backend", spec.container ? "container" : "process");
    put(out, "config", spec.config);
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
}

void write_syncs(YAML::Emitter& out, const Scenario& scenario) {
  out << YAML::Key << "sync" << YAML::Value << YAML::BeginSeq;
  for (const auto& spec : scenario.syncs) {
    out << YAML::BeginMap;
    put(out, "from", spec.from);
    put(out, "to", spec.to);
    put(out, "driver", to_string(spec.driver));
    if (!spec.command.empty()) put(out, "command", spec.command);
    put(out, "options", spec.options);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void write_data(YAML::Emitter& out, const DataSpec& data) {
  out << YAML::Key << "data" << YAML::Value << YAML::BeginMap;
  put(out, "keys", data.keys);
  put(out, "expiries", yes_no(data.expiries));
  out << YAML::EndMap;
}

void write_workload(YAML::Emitter& out, const WorkloadSpec& workload) {
  out << YAML::Key << "workload" << YAML::Value << YAML::BeginMap;
  put(out, "families", workload.families);
  put(out, "newest_commands", yes_no(workload.newest_commands));
  put(out, "commands", workload.commands);
  put(out, "connections", workload.connections);
  put(out, "keys", workload.keys);
  put(out, "before", fmt::format("{}", workload.before));
  put(out, "duration", ms(workload.duration));
  out << YAML::EndMap;
}

void write_rest(YAML::Emitter& out, const Scenario& scenario) {
  out << YAML::Key << "pressure" << YAML::Value << YAML::BeginMap;
  put(out, "source_policy", scenario.pressure.source_policy);
  put(out, "target_policy", scenario.pressure.target_policy);
  put(out, "headroom_kb", scenario.pressure.headroom_kb);
  put(out, "relieve", yes_no(scenario.pressure.relieve));
  put(out, "target_hangs", ms(scenario.pressure.target_hangs));
  out << YAML::EndMap << YAML::Key << "checks" << YAML::Value << YAML::BeginMap;
  put(out, "verify", yes_no(scenario.checks.verify));
  put(out, "lists", yes_no(scenario.checks.lists));
  put(out, "digest", yes_no(scenario.checks.digest));
  put(out, "rdb_files", yes_no(scenario.checks.rdb_files));
  put(out, "live", yes_no(scenario.checks.live));
  put(out, "evicted_is_missing", yes_no(scenario.checks.evicted_is_missing));
  put(out, "unsupported_is_missing", yes_no(scenario.checks.unsupported_is_missing));
  out << YAML::EndMap << YAML::Key << "limits" << YAML::Value << YAML::BeginMap;
  put(out, "start", ms(scenario.limits.start));
  put(out, "catch_up", ms(scenario.limits.catch_up));
  put(out, "finish", ms(scenario.limits.finish));
  put(out, "verify", ms(scenario.limits.verify));
  out << YAML::EndMap;
}

}  // namespace

std::string to_yaml(const Scenario& scenario) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  put(out, "version", format_version);
  put(out, "name", scenario.name);
  put(out, "description", scenario.description);
  write_deployments(out, scenario);
  write_syncs(out, scenario);
  write_data(out, scenario.data);
  write_workload(out, scenario.workload);
  write_rest(out, scenario);
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace lockstep::scenarios
