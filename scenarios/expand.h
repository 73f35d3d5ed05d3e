#pragma once

#include <rapidcheck/Random.h>

#include <string>
#include <vector>

#include "scenarios/generate.h"

namespace lockstep::scenarios {

/// A form with every placeholder filled in.
struct Step {
  std::string route;
  struct Command {
    uint32_t delay_ms = 0;  ///< after the step's beginning
    std::vector<std::string> args;
  };
  std::vector<Command> commands;
};

struct StepContext {
  uint32_t index = 0;  ///< of the step in the plan: makes elements and ids unique
  uint32_t keys = 24;  ///< names of each type
  TopologyKind source = TopologyKind::standalone;
};

/// Expands `form` with values drawn from `random`. Deterministic.
Step expand(const Form& form, const StepContext& context, rc::Random random);

/// A choice of one of `count` by `random`, through rapidcheck's generators.
size_t pick(rc::Random& random, size_t count);

}  // namespace lockstep::scenarios
