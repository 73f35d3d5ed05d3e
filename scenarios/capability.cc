#include "scenarios/capability.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

#include "fixtures/catalogue.h"

namespace lockstep::scenarios {

fixtures::ServerSpec server_of(const DeploymentSpec& spec) {
  return spec.server.empty() ? fixtures::default_server() : fixtures::find_server(spec.server);
}

fixtures::Capabilities abilities_of(const DeploymentSpec& spec) {
  const fixtures::ServerSpec server = server_of(spec);
  fixtures::Capabilities unknown;
  unknown.commands = server.commands;
  try {
    return fixtures::capabilities_of(server, spec.container && !fixtures::locate(server));
  } catch (const std::runtime_error&) {  // UserError, ConnectionError
    return unknown;
  }
}

namespace {

/// What a server can do, by name.
std::set<std::string> names_of(const fixtures::Capabilities& server) {
  std::set<std::string> names;
  for (const auto& [name, can] : server.can)
    if (can) names.insert(name);
  return names;
}

}  // namespace

Capability capability_of(const Scenario& scenario) {
  Capability capability{UINT16_MAX, true, true, scenario.source().topology};
  capability.abilities = names_of(abilities_of(scenario.source()));
  for (const DeploymentSpec& spec : scenario.deployments) {
    if (scenario.checks.unsupported_is_missing && &spec != &scenario.source()) continue;
    const fixtures::Capabilities server = abilities_of(spec);
    capability.oldest = std::min(capability.oldest, server.commands);
    capability.field_expiry &= server.has("field-expiry");
    if (!scenario.workload.newest_commands)
      std::erase_if(capability.abilities,
                    [&](const std::string& name) { return !server.has(name); });
    capability.multiple_databases &=
        spec.topology == TopologyKind::standalone || spec.config.contains("cluster-databases");
  }
  capability.source_version = abilities_of(scenario.source()).commands;
  capability.version =
      scenario.workload.newest_commands ? capability.source_version : capability.oldest;
  return capability;
}

}  // namespace lockstep::scenarios
