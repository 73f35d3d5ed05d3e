#pragma once

#include <string>
#include <vector>

#include "verifier/verify.h"

namespace lockstep::verifier {

/// A key and a way to make it differ. In the words `KEY` stands for the key's name.
struct Plant {
  using Commands = std::vector<std::vector<std::string>>;
  const char* name = "";
  uint16_t since = 208;            ///< servers that have the commands
  Commands base;                   ///< on the source, then copied
  Commands change;                 ///< on the target
  std::optional<DiffClass> found;  ///< nullopt: no difference
  const char* detail = "";         ///< part of it
};

/// Every kind of difference, and changes that are none.
const std::vector<Plant>& plants();

}  // namespace lockstep::verifier
