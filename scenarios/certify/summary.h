#pragma once

#include <set>
#include <string>
#include <vector>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// Cells that have something in common.
struct Group {
  std::string what;                ///< what is lost, or why
  uint64_t keys = 0;               ///< of losses: how many were seen
  uint64_t cells = 0;              ///< how many
  std::vector<std::string> pairs;  ///< "from A … D into E, F"
};

/// " (6,526 seen in 18 cells)" of losses, else nothing.
std::string seen_text(const Group& group);

/// What is lost, in the order in which the table meets it.
std::vector<Group> losses_of(const Certificate& certificate);
/// The cells of an outcome by their reason; an empty one stands as "no reason is given".
std::vector<Group> reasons_of(const Certificate& certificate, Outcome outcome);

/// What was not tried, by why: "lists (7 forms), functions (all): newer than …". certificate.json
/// names the commands.
std::vector<Group> untried_of(const Certificate& certificate);

/// "289 cells tried, 768 cases, 867,000 commands, 7.2 s a cell".
std::string totals_text(const Certificate& certificate);

/// What became of a goal in all cells together.
struct GoalSum {
  std::string name;
  uint64_t met = 0, possible = 0;  ///< cells
  uint64_t times = 0;
};
std::vector<GoalSum> goals_of(const Certificate& certificate);

/// "A … D, F": runs of three and more of `order` from end to end; all of
/// more than three: "any".
std::string names_in_words(const std::vector<std::string>& order,
                           const std::set<std::string>& names);

/// "FROM → TO", and the topology where the certificate has two.
std::string cell_name(const Certificate& certificate, const Cell& cell);

}  // namespace lockstep::scenarios::certify
