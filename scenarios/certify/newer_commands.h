#pragma once

#include <string>
#include <vector>

#include "scenarios/certify/goals.h"

namespace lockstep::scenarios::certify {

/// What a sync tool can do with a command that the target does not know.
enum class Substitute : uint8_t {
  command,  ///< the target has others that do the same
  reading,  ///< none: what it wrote has to be read again
};

/// The families of the pair of which the source's stream may hold a command that the target does
/// not know and for which there is such a substitute. By what both servers take, and by the forms
/// that such a source gets; empty: of none.
std::vector<std::string> families_of_newer_commands(const GoalPair& pair, Substitute substitute);

}  // namespace lockstep::scenarios::certify
