#include "verifier/library_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace lockstep::verifier {

namespace {

std::optional<std::string> code_on(const NodeLibraries& node, const std::string& name) {
  const auto found = node.code.find(name);
  return found == node.code.end() ? std::nullopt : std::optional(found->second);
}

/// What the source's primaries have by this name; more than one if they do not agree.
std::set<std::string> codes_of(const std::vector<NodeLibraries>& side, const std::string& name) {
  std::set<std::string> codes;
  for (const NodeLibraries& node : side) {
    if (const auto code = code_on(node, name)) codes.insert(*code);
  }
  return codes;
}

}  // namespace

LibraryPlan plan_libraries(const std::map<std::string, bool>& extra,
                           const std::vector<NodeLibraries>& source,
                           const std::vector<NodeLibraries>& target) {
  LibraryPlan plan;
  for (const auto& [name, is_extra] : extra) {
    const std::set<std::string> codes = codes_of(source, name);
    if (codes.size() > 1) {
      plan.impossible[name] =
          "primaries of the source have different code by this name: load the right one there";
      continue;
    }
    if (codes.empty() && !is_extra) {
      plan.impossible[name] = "the source has lost it since: verify again";
      continue;
    }
    const auto code = codes.empty() ? std::nullopt : std::optional(*codes.begin());
    for (size_t i = 0; i < target.size(); ++i) {
      const auto old_code = code_on(target[i], name);
      if (old_code == code) continue;
      if (!target[i].known) {
        plan.impossible[name] = fmt::format("the version of {} knows no functions", target[i].node);
      } else {
        plan.steps.push_back({i, name, old_code, code});
      }
    }
  }
  std::stable_partition(plan.steps.begin(), plan.steps.end(),
                        [](const LibraryStep& step) { return !step.code; });
  return plan;
}

}  // namespace lockstep::verifier
