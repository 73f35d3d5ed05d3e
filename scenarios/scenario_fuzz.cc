#include <cstddef>
#include <cstdint>

#include "scenarios/scenario.h"
#include "sync/base/error.h"

/// Any bytes give a scenario or a UserError; a scenario that was read, written, reads back the
/// same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lockstep;
  try {
    const auto scenario =
        scenarios::parse_scenario({reinterpret_cast<const char*>(data), size}, "fuzz");
    const auto text = scenarios::to_yaml(scenario);
    LOCKSTEP_ASSERT(scenarios::to_yaml(scenarios::parse_scenario(text, "again")) == text);
  } catch (const UserError&) {
  }
  return 0;
}
