#include "scenarios/certify/untried.h"

#include <algorithm>

#include "scenarios/module_values.h"

namespace lockstep::scenarios::certify {

void note_family(const std::string& family, const Capability& capability, Cell& cell) {
  size_t unusable = 0;
  for (auto& [why, forms] : unusable_forms(family, capability)) {
    unusable += forms.size();
    cell.untried.push_back({family, why, forms});
  }
  const bool none = unusable == forms_of(family).size();
  (none ? cell.skipped_families : cell.families).push_back(family);
}

void note_modules(const fixtures::Capabilities& from, const fixtures::Capabilities& to,
                  Cell& cell) {
  if (cell.from == cell.to) return;
  for (const std::string& module : with_values(from.modules)) {
    if (std::find(to.modules.begin(), to.modules.end(), module) != to.modules.end())
      cell.untried.push_back({"values of the module " + module,
                              "two builds of a module save equal values as different bytes",
                              {}});
  }
}

void note_checks(const CaseResult& result, Cell& cell) {
  for (const CheckResult& check : result.checks) {
    if (check.verdict != Verdict::skipped) continue;
    const auto same = [&](const Untried& each) {
      return each.what == check.name && each.reason == check.detail;
    };
    if (std::none_of(cell.untried.begin(), cell.untried.end(), same))
      cell.untried.push_back({check.name, check.detail, {}});
  }
}

}  // namespace lockstep::scenarios::certify
