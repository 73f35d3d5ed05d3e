#include "scenarios/certify/cell_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace lockstep::scenarios::certify {

namespace {

using std::chrono::milliseconds;

/// How much a case of a family does. Small: there are hundreds of cells.
struct Size {
  const char* family;
  uint64_t keys;      ///< in the source before the sync starts, of every type
  uint32_t commands;  ///< steps of the workload
  double before;      ///< share of them before the sync starts
  uint32_t names;     ///< key names of each type
  milliseconds duration;
  milliseconds copy;  ///< the target hangs for so long when the copy begins
};

constexpr Size usual{"", 200, 150, 0.2, 24, milliseconds(400), milliseconds(150)};
constexpr Size sizes[] = {
    // Long enough for keys to expire during the copy, and afterwards.
    {"expiry", 1000, 900, 0.5, 200, milliseconds(1500), milliseconds(500)},
    {"big-keys", 50, 30, 0.2, 8, milliseconds(300), milliseconds(100)},
    {"eviction", 200, 200, 0.2, 24, milliseconds(400), milliseconds(100)},
    {"everything", 300, 1000, 0.2, 24, milliseconds(1500), milliseconds(300)},
};

const Size& size_of(const std::string& family) {
  const auto found = std::find_if(std::begin(sizes), std::end(sizes),
                                  [&](const Size& size) { return size.family == family; });
  return found == std::end(sizes) ? usual : *found;
}

DeploymentSpec deployment_of(const char* name, const std::string& server, Topology topology) {
  const bool clustered = topology == Topology::cluster;
  DeploymentSpec spec;
  spec.name = name;
  spec.server = server;
  spec.topology = clustered ? TopologyKind::cluster : TopologyKind::standalone;
  spec.primaries = clustered ? 3 : 1;
  return spec;
}

/// As a scenario's name may hold it: no dots, and not long. Names that become the same are told
/// apart by their cells' seeds.
std::string in_a_name(std::string server) {
  constexpr size_t length_max = 15;
  server.resize(std::min(server.size(), length_max));
  std::replace_if(
      server.begin(), server.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '-');
  return server;
}

}  // namespace

Scenario make_scenario(const Cell& cell, const std::string& family) {
  const Size& size = size_of(family);
  Scenario scenario;
  scenario.name = fmt::format("{}{}-to-{}-{}", cell.topology == Topology::cluster ? "cluster-" : "",
                              in_a_name(cell.from), in_a_name(cell.to), family);
  scenario.description = fmt::format("The family {} from {} into {}.", family, cell.from, cell.to);
  scenario.deployments = {deployment_of("source", cell.from, cell.topology),
                          deployment_of("target", cell.to, cell.topology)};
  SyncSpec sync;
  sync.from = "source";
  sync.to = {"target"};
  sync.options = {"--unsupported", "report"};
  scenario.syncs = {sync};
  scenario.data.keys = size.keys;
  scenario.workload.families = {family};
  scenario.workload.newest_commands = true;
  scenario.workload.commands = size.commands;
  scenario.workload.keys = size.names;
  scenario.workload.before = size.before;
  scenario.workload.duration = size.duration;
  scenario.pressure.target_hangs = size.copy;
  if (family == "eviction") {
    scenario.pressure.source_policy = "allkeys-lru";
    scenario.pressure.headroom_kb = 512;
  }
  scenario.checks.unsupported_is_missing = true;
  return scenario;
}

Scenario make_control(const Cell& cell, const std::string& family) {
  Scenario scenario = make_scenario(cell, family);
  scenario.name += "-control";
  scenario.syncs.front().driver = DriverKind::replicaof;
  scenario.syncs.front().options.clear();
  scenario.pressure.target_hangs = milliseconds(0);
  scenario.limits.start = scenario.limits.catch_up = std::chrono::seconds(20);
  return scenario;
}

}  // namespace lockstep::scenarios::certify
