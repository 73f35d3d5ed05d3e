#pragma once

#include <string>
#include <vector>

#include "scenarios/executor.h"
#include "scenarios/plan.h"

namespace lockstep::scenarios {

/// Adds to a plan what makes values of the types that these modules have, before the sync starts,
/// and what makes and changes some while it runs, at `during_ms`. Modules without types of their
/// own add nothing.
void add_module_values(const std::vector<std::string>& modules, uint32_t during_ms, Plan& plan);

/// Those of them that have types of their own, for which something is written.
std::vector<std::string> with_values(const std::vector<std::string>& modules);

/// How many of the commands that make or change them succeeded.
uint64_t module_writes(const ExecutionStats& clients);

}  // namespace lockstep::scenarios
