#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
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

/// What a target may be unable to hold, in words, and the event of coverage.h that shows that such
/// a thing was left out.
struct LossKind {
  const char* event;
  const char* words;
};
std::span<const LossKind> loss_kinds();

/// Reads `report`/diff.jsonl and the engine's list of what it left out. A difference is a loss only
/// if the key is missing, the engine says that it left it out, its type is one that fits, and the
/// target's own answers say that it cannot hold such a key; or where the verifier itself has found
/// that. Keys that the verifier could not judge are neither.
LossFindings find_losses(const std::filesystem::path& report, const std::filesystem::path& left_out,
                         const Holds& source, const Holds& target);

}  // namespace lockstep::scenarios
