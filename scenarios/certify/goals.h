#pragma once

#include <string>
#include <vector>

#include "fixtures/capabilities.h"
#include "scenarios/certify/certificate.h"
#include "scenarios/coverage.h"

namespace lockstep::scenarios::certify {

/// Two servers, as they answer, and the families that the source knows of those asked for.
struct GoalPair {
  const fixtures::Capabilities& from;
  const fixtures::Capabilities& to;
  const std::vector<std::string>& families;
  bool same = false;  ///< they are one entry of the catalogue
};

/// The goals of a cell, none met, and which are possible: a fixed list, and those of each family,
/// which only its own cases can meet.
std::vector<Goal> goals_of(const GoalPair& pair);
/// Adds what a case of a family has shown.
void count_goals(const std::string& family, const Coverage& coverage, std::vector<Goal>& goals);
/// The family of the pair whose next case is likeliest to meet the goal, which is possible.
std::string family_for(const Goal& goal, const GoalPair& pair);
/// "a, b": those that are possible and were not met; empty: none.
std::string goals_missed(const std::vector<Goal>& goals);

}  // namespace lockstep::scenarios::certify
