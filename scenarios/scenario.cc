#include "scenarios/scenario.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>

#include "fixtures/address_plan.h"
#include "fixtures/catalogue.h"
#include "scenarios/families.h"
#include "scenarios/yaml_map.h"
#include "sync/base/bytes.h"
#include "sync/base/error.h"
#include "sync/base/nearest.h"

namespace lockstep::scenarios {

namespace {

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

/// Names become those of files, processes and containers.
bool is_plain_name(const std::string& name) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= 64 && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

constexpr const char* plain_name = "must be of letters, digits, - and _, at most 64 of them";

/// Lines that decide where a node is, what it is, and that it ends with the run: the runner's own.
const std::set<std::string> own_lines = {"bind",
                                         "bind-source-addr",
                                         "cluster-config-file",
                                         "cluster-enabled",
                                         "daemonize",
                                         "dir",
                                         "include",
                                         "logfile",
                                         "port",
                                         "replicaof",
                                         "requirepass",
                                         "slaveof",
                                         "supervised"};

std::map<std::string, std::string> read_config(YamlMap& map) {
  auto config = map.dictionary("config");
  for (const auto& [name, value] : config) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (own_lines.count(lower))
      map.fail("config", fmt::format("the runner sets \"{}\" itself; leave it out", lower));
    if (!is_plain_name(name) || value.find_first_of("\r\n") != std::string::npos)
      map.fail("config", fmt::format("\"{}\" is not one line of redis.conf", printable(name)));
  }
  return config;
}

void check_server(DeploymentSpec& spec, const YamlMap& map) {
  try {
    const auto& server =
        spec.server.empty() ? fixtures::default_server() : fixtures::find_server(spec.server);
    if (server.proxy) map.fail("server", server.name + " is a proxy; use topology: twemproxy");
    if (!spec.server.empty()) spec.server = server.name;  // an alias may mean another one tomorrow
  } catch (const UserError& error) {
    if (std::string(error.what()).starts_with("server ")) map.fail("server", error.what());
    throw;
  }
}

DeploymentSpec read_deployment(const std::string& name, YamlMap map) {
  DeploymentSpec spec;
  spec.name = name;
  if (!is_plain_name(name)) map.fail("", "the name of a deployment " + std::string(plain_name));
  spec.topology =
      kind_of<TopologyKind>(map.choice("topology", "standalone", topology_names), topology_names);
  const bool clustered = spec.topology != TopologyKind::standalone;
  spec.server = map.text("server", "");
  spec.primaries = static_cast<uint32_t>(map.number("primaries", clustered ? 3 : 1, 1, 64));
  spec.replicas = static_cast<uint32_t>(map.number("replicas", 0, 0, 8));
  spec.container = map.choice("backend", "process", {"process", "container"}) == "container";
  spec.config = read_config(map);
  check_server(spec, map);
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

/// What a driver can copy from and to.
void check_topologies(const Scenario& scenario, const SyncSpec& spec, const YamlMap& map) {
  const auto is = [&](const std::string& name, TopologyKind kind) {
    return scenario.deployment(name).topology == kind;
  };
  const bool replicaof = spec.driver == DriverKind::replicaof;
  if (replicaof && !is(spec.from, TopologyKind::standalone))
    map.fail("from", "driver: replicaof copies standalone servers only");
  if (spec.driver == DriverKind::command && spec.to.size() > 1)
    map.fail("to", "driver: command has one target; make a sync for each");
  for (const std::string& name : spec.to) {
    if (replicaof && !is(name, TopologyKind::standalone))
      map.fail("to", "driver: replicaof copies standalone servers only");
    if (spec.driver == DriverKind::lockstep && is(name, TopologyKind::twemproxy))
      map.fail("to", "the engine writes to servers and clusters, not to a Twemproxy");
  }
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
  if (spec.driver != DriverKind::lockstep && !spec.options.empty()) {
    map.fail("options", "the key \"options\" belongs to driver: lockstep, and to no other");
  }
  check_topologies(scenario, spec, map);
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
  spec.newest_commands = map.flag("newest_commands", spec.newest_commands);
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
  spec.target_hangs = map.duration("target_hangs", spec.target_hangs);
  map.finish();
  return spec;
}

CheckSpec read_checks(YamlMap map) {
  CheckSpec spec;
  spec.verify = map.flag("verify", spec.verify);
  spec.lists = map.flag("lists", spec.lists);
  spec.digest = map.flag("digest", spec.digest);
  spec.rdb_files = map.flag("rdb_files", spec.rdb_files);
  spec.live = map.flag("live", spec.live);
  spec.evicted_is_missing = map.flag("evicted_is_missing", spec.evicted_is_missing);
  spec.unsupported_is_missing = map.flag("unsupported_is_missing", spec.unsupported_is_missing);
  if (!spec.verify && !spec.lists && !spec.digest && !spec.rdb_files) {
    map.fail("", "without any check a run proves nothing; leave one of them");
  }
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
  for (const auto& spec : scenario.deployments) {
    if (!reached.count(spec.name))
      map.fail("deployments", fmt::format("no sync reads or writes \"{}\"", spec.name));
  }
}

/// The one target hangs from its sync's beginning on, which nothing else may wait for.
void require_one_that_hangs(const Scenario& scenario, YamlMap& map) {
  if (scenario.pressure.target_hangs.count() == 0) return;
  const bool one = scenario.syncs.size() == 1 && scenario.syncs.front().to.size() == 1;
  if (!one || scenario.syncs.front().driver == DriverKind::replicaof ||
      !scenario.pressure.target_policy.empty())
    map.fail("pressure",
             "target_hangs needs one sync into one target, by another driver than replicaof, and "
             "no target_policy");
}

/// A run has a network of its own, and that is not larger.
void require_addresses(const Scenario& scenario, YamlMap& map) {
  uint64_t nodes = 0;
  for (const auto& spec : scenario.deployments)
    nodes += spec.primaries * (1 + spec.replicas) + (spec.topology == TopologyKind::twemproxy);
  if (nodes > fixtures::AddressPlan::addresses_max)
    map.fail("deployments", fmt::format("{} nodes; one run has addresses for {}", nodes,
                                        fixtures::AddressPlan::addresses_max));
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
  if (!is_plain_name(scenario.name)) map.fail("name", "the name " + std::string(plain_name));
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
  require_addresses(scenario, map);
  require_one_that_hangs(scenario, map);
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
  return read_root(load_document(text, file, "scenario"), file);
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
