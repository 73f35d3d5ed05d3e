#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verifier/trial_data.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// A difference that must be found.
struct Expected {
  DbIndex db;
  std::string key;
  DiffClass diff_class = DiffClass::value;
  std::string detail;  ///< part of it
};

/// A change of the target, and what must be found because of it: nothing, for a change that is
/// none.
struct Mutation {
  std::string name;
  TrialRequests commands;
  std::vector<Expected> expected;
};

/// One that this key and these servers allow, of any kind.
Mutation random_mutation(const TrialKey& key, Random& random, const Abilities& abilities);
/// A key on the target only.
Mutation extra_key(Random& random, size_t number, const Abilities& abilities);

}  // namespace lockstep::verifier
