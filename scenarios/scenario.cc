#include "scenarios/scenario.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "scenarios/families.h"
#include "scenarios/yaml_map.h"
#include "sync/base/error.h"
#include "sync/base/nearest.h"

namespace lockstep::scenarios {

namespace {

constexpr size_t file_bytes_max = 1 << 20;
const std::vector<std::string> topology_names = {"standalone", "cluster", "twemproxy"};
const std::vector<std::string> driver_names = {"lockstep", "replicaof", "command"};
const std::vector<std::string> policies = {"",
                                           "noeviction",
                                           "allkeys-lru",
                                           "allkeys-lfu",
                                           "allkeys-random",
                                           "volatile-lru",
                                           "volatile-lfu",
                                           "volatile-random",
                                           "volatile-ttl"};

template <typename Kind>
Kind kind_of(const std::string& name, const std::vector<std::string>& names) {
  return static_cast<Kind>(std::find(names.begin(), names.end(), name) - names.begin());
}

DeploymentSpec read_deployment(const std::string& name, YamlMap map) {
  DeploymentSpec spec;
  spec.name = name;
  spec.topology =
      kind_of<TopologyKind>(map.choice("topology", "standalone", topology_names), topology_names);
  const bool clustered = spec.topology != TopologyKind::standalone;
  spec.server = map.text("server", "");
  spec.primaries = static_cast<uint32_t>(map.number("primaries", clustered ? 3 : 1, 1, 64));
  spec.replicas = static_cast<uint32_t>(map.number("replicas", 0, 0, 8));
  spec.container = map.choice("backend", "process", {"process", "container"}) == "container";
  spec.config = map.dictionary("config");
  if (spec.topology == TopologyKind::standalone && spec.primaries != 1) {
    map.fail("primaries", "a standalone deployment has one primary; use topology: cluster");
  }
  if (spec.topology == TopologyKind::cluster && spec.primaries < 2) {
    map.fail("primaries", "a cluster here needs at least 2 primaries");
  }
  map.finish();
  return spec;
}

void require_deployment(const Scenario& scenario, const YamlMap& map, const std::string& key,
                        const std::string& name) {
  std::vector<std::string> names;
  for (const auto& spec : scenario.deployments) names.push_back(spec.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  map.fail(key, fmt::format("there is no deployment \"{}\"; did you mean \"{}\"?", name,
                            nearest(name.substr(0, 64), names)));
}

SyncSpec read_sync(const Scenario& scenario, YamlMap map) {
  SyncSpec spec;
  spec.from = map.required_text("from");
  require_deployment(scenario, map, "from", spec.from);
  spec.to = map.texts("to");
  if (spec.to.empty()) map.fail("", "a sync needs the key \"to\": one deployment or a list");
  for (const auto& name : spec.to) require_deployment(scenario, map, "to", name);
  if (std::find(spec.to.begin(), spec.to.end(), spec.from) != spec.to.end()) {
    map.fail("to", "a sync cannot copy a deployment into itself");
  }
  spec.driver = kind_of<DriverKind>(map.choice("driver", "lockstep", driver_names), driver_names);
  spec.command = map.text("command", "");
  spec.options = map.texts("options");
  if ((spec.driver == DriverKind::command) == spec.command.empty()) {
    map.fail("command", "the key \"command\" belongs to driver: command, and to no other");
  }
  map.finish();
  return spec;
}

DataSpec read_data(YamlMap map) {
  DataSpec spec;
  spec.keys = map.number("keys", spec.keys, 0, 100'000'000);
  spec.expiries = map.flag("expiries", spec.expiries);
  map.finish();
  return spec;
}

WorkloadSpec read_workload(YamlMap map) {
  WorkloadSpec spec;
  spec.families = map.texts("families");
  if (spec.families.empty()) spec.families = {"everything"};
  for (const auto& family : spec.families) {
    if (is_family(family)) continue;
    map.fail("families", fmt::format("there is no workload family \"{}\"; did you mean \"{}\"? "
                                     "Known: {}",
                                     family, nearest(family.substr(0, 64), family_names()),
                                     fmt::join(family_names(), ", ")));
  }
  spec.commands = static_cast<uint32_t>(map.number("commands", spec.commands, 0, 10'000'000));
  spec.connections = static_cast<uint32_t>(map.number("connections", spec.connections, 1, 256));
  spec.keys = static_cast<uint32_t>(map.number("keys", spec.keys, 1, 100'000));
  spec.before = map.real("before", spec.before, 0, 1);
  spec.duration = map.duration("duration", spec.duration);
  map.finish();
  return spec;
}

PressureSpec read_pressure(YamlMap map) {
  PressureSpec spec;
  spec.source_policy = map.choice("source_policy", "", policies);
  spec.target_policy = map.choice("target_policy", "", policies);
  spec.headroom_kb = map.number("headroom_kb", spec.headroom_kb, 0, 1 << 30);
  spec.relieve = map.flag("relieve", spec.relieve);
  map.finish();
  return spec;
}

CheckSpec read_checks(YamlMap map) {
  CheckSpec spec;
  spec.verify = map.flag("verify", spec.verify);
  spec.lists = map.flag("lists", spec.lists);
  spec.digest = map.flag("digest", spec.digest);
  spec.rdb_files = map.flag("rdb_files", spec.rdb_files);
  spec.evicted_is_missing = map.flag("evicted_is_missing", spec.evicted_is_missing);
  map.finish();
  return spec;
}

LimitSpec read_limits(YamlMap map) {
  LimitSpec spec;
  spec.start = map.duration("start", spec.start);
  spec.catch_up = map.duration("catch_up", spec.catch_up);
  spec.finish = map.duration("finish", spec.finish);
  spec.verify = map.duration("verify", spec.verify);
  map.finish();
  return spec;
}

/// A tree that begins at the first source: nothing is written twice or by nobody.
void require_tree(const Scenario& scenario, YamlMap& map) {
  std::set<std::string> reached = {scenario.syncs.front().from};
  for (const auto& sync : scenario.syncs) {
    if (!reached.count(sync.from)) {
      map.fail("sync", fmt::format("\"{}\" is copied from before anything is copied into it; list "
                                   "the syncs from the source on",
                                   sync.from));
    }
    for (const auto& name : sync.to) {
      if (!reached.insert(name).second) {
        map.fail("sync", fmt::format("two syncs write to \"{}\"", name));
      }
    }
  }
}

Scenario read_root(const YAML::Node& root, const std::string& file) {
  YamlMap map(root, file, "the scenario");
  const auto version = map.required_text("version");
  if (version != std::to_string(format_version)) {
    map.fail("version", fmt::format("this program reads scenarios of version {}, not \"{}\"",
                                    format_version, version.substr(0, 32)));
  }
  Scenario scenario;
  scenario.name = map.required_text("name");
  scenario.description = map.text("description", "");
  for (auto& [name, child] : map.children("deployments")) {
    if (name.empty()) map.fail("deployments", "deployments must be a mapping of names");
    scenario.deployments.push_back(read_deployment(name, child));
  }
  if (scenario.deployments.size() < 2) {
    map.fail("deployments", "a scenario needs at least two deployments, a source and a target");
  }
  for (auto& [name, child] : map.children("sync")) {
    scenario.syncs.push_back(read_sync(scenario, child));
  }
  scenario.data = read_data(map.child("data"));
  scenario.workload = read_workload(map.child("workload"));
  scenario.pressure = read_pressure(map.child("pressure"));
  scenario.checks = read_checks(map.child("checks"));
  scenario.limits = read_limits(map.child("limits"));
  map.finish();
  if (scenario.syncs.empty()) map.fail("sync", "a scenario needs the key \"sync\": a list");
  require_tree(scenario, map);
  return scenario;
}

}  // namespace

std::string to_string(TopologyKind kind) { return topology_names[static_cast<size_t>(kind)]; }
std::string to_string(DriverKind kind) { return driver_names[static_cast<size_t>(kind)]; }

const DeploymentSpec& Scenario::deployment(const std::string& wanted) const {
  const auto found = std::find_if(deployments.begin(), deployments.end(),
                                  [&](const auto& spec) { return spec.name == wanted; });
  LOCKSTEP_ASSERT(found != deployments.end());
  return *found;
}

std::vector<std::string> Scenario::targets() const {
  std::vector<std::string> names;
  for (const auto& sync : syncs) names.insert(names.end(), sync.to.begin(), sync.to.end());
  return names;
}

Scenario parse_scenario(const std::string& text, const std::string& file) {
  if (text.size() > file_bytes_max) {
    throw UserError(file + ":1:1: a scenario of more than 1 MB; is this the right file?",
                    ExitCode::bad_arguments);
  }
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw UserError(fmt::format("{}:{}:{}: not YAML: {}", file, error.mark.line + 1,
                                error.mark.column + 1, error.msg),
                    ExitCode::bad_arguments);
  }
  return read_root(root, file);
}

Scenario read_scenario(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw UserError(
        fmt::format("{}: cannot read this scenario file; shipped ones are in scenarios/", path),
        ExitCode::bad_arguments);
  }
  return parse_scenario(text.str(), path);
}

}  // namespace lockstep::scenarios
