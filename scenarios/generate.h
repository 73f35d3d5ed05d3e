#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scenarios/families.h"
#include "scenarios/plan.h"
#include "scenarios/scenario.h"

namespace lockstep::scenarios {

/// What the servers of a run know, which decides what may be generated.
struct Capability {
  uint16_t version = 700;  ///< as 6.2 → 602: commands up to it are generated
  bool field_expiry = false;
  bool multiple_databases = true;  ///< on every side
  TopologyKind source = TopologyKind::standalone;
  uint16_t source_version = 0;   ///< 0: does not matter
  uint16_t oldest = UINT16_MAX;  ///< version of the oldest server, which must hold what is written
  std::set<std::string> abilities;  ///< of those that forms need, by the same servers as `version`
};

/// Why such servers do not get the form; empty: they know it, and such a source takes it.
std::string why_unusable(const Form& form, const Capability& capability);
bool is_usable(const Form& form, const Capability& capability);
/// The words of the family's forms that are not generated, by why.
std::map<std::string, std::vector<std::string>> unusable_forms(const std::string& family,
                                                               const Capability& capability);

/// The families of the workload that have no form for such servers.
std::vector<std::string> unusable_families(const WorkloadSpec& workload,
                                           const Capability& capability);

/// Generates the workload from the seed alone, with rapidcheck, executing nothing: the same
/// arguments give the same plan on every machine.
Plan generate_plan(const WorkloadSpec& workload, const Capability& capability, uint64_t seed);

}  // namespace lockstep::scenarios
