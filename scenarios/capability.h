#pragma once

#include "fixtures/capabilities.h"
#include "fixtures/catalogue.h"
#include "scenarios/generate.h"
#include "scenarios/scenario.h"

namespace lockstep::scenarios {

fixtures::ServerSpec server_of(const DeploymentSpec& spec);

/// By the server's own answers; of one that does not start, which is told when it is to, only what
/// the catalogue says.
fixtures::Capabilities abilities_of(const DeploymentSpec& spec);

/// What may be generated for a scenario's servers.
Capability capability_of(const Scenario& scenario);

}  // namespace lockstep::scenarios
