#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "fixtures/capabilities.h"

namespace lockstep::scenarios {

/// Differences that the verifier found, told apart.
struct LossFindings {
  std::map<std::string, uint64_t> losses;  ///< keys that the target cannot hold, by why: "streams"
  uint64_t others = 0;                     ///< all other differences
};

/// What a deployment cannot hold, by its own answers.
struct Holds {
  fixtures::Capabilities server;
  bool clustered = false;
};

/// Reads `report`/diff.jsonl and the engine's list of what it left out. A difference is a loss only
/// if the key is missing, the engine says that it left it out, and the target's own answers say
/// that it cannot hold such a key; or where the verifier itself has found that.
LossFindings find_losses(const std::filesystem::path& report, const std::filesystem::path& left_out,
                         const Holds& source, const Holds& target);

}  // namespace lockstep::scenarios
