#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "verifier/function_check.h"

namespace lockstep::verifier {

/// What makes one library on one primary of the target as the source has it.
struct LibraryStep {
  size_t node = 0;
  std::string name;
  std::optional<std::string> old_code;  ///< nullopt: the node does not have it
  std::optional<std::string> code;      ///< nullopt: it goes
};

struct LibraryPlan {
  std::vector<LibraryStep>
      steps;  ///< those that delete first: their functions' names are free then
  std::map<std::string, std::string> impossible;  ///< why, by the library's name
};

/// Of these libraries; true for one that the source did not have: only such a one is removed.
/// `source` and `target`: their primaries, in the order of their nodes.
/// Sans-io.
LibraryPlan plan_libraries(const std::map<std::string, bool>& extra,
                           const std::vector<NodeLibraries>& source,
                           const std::vector<NodeLibraries>& target);

}  // namespace lockstep::verifier
