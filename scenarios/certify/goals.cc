#include "scenarios/certify/goals.h"

#include <algorithm>

#include "scenarios/certify/newer_commands.h"
#include "scenarios/module_values.h"
#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

namespace {

using Rule = bool (*)(const GoalPair& pair);
using Families = std::vector<std::string>;

/// Goals that each family has, named with the family's name behind it.
struct FamilyRule {
  std::string_view name;
  const char* event;  ///< of coverage.h
};
/// Every family runs while the target hangs in the copy, and so its writes cross it: those of flush
/// before the source is emptied, which starts the copy anew.
constexpr FamilyRule family_rules[] = {
    {"commands succeeded, family ", "succeeded"},
    {"a write crossed the full copy, family ", "written_in_copy"},
};

bool always(const GoalPair&) { return true; }
bool functions(const GoalPair& pair) { return pair.from.has("functions"); }
bool field_expiry(const GoalPair& pair) { return pair.from.has("field-expiry"); }
/// Some form of a value, which every data set has, is newer than what the target loads: lists in
/// RDB 7, sorted sets in 8, listpacks in 10, sets of them in 11.
bool newer_values(const GoalPair& pair) {
  for (const unsigned rdb : {7u, 8u, 10u, 11u})
    if (pair.to.rdb < rdb && pair.from.rdb >= rdb) return true;
  return false;
}
/// The source can write what the target cannot hold.
bool streams_lost(const GoalPair& pair) {
  return pair.from.has("streams") && !pair.to.has("streams");
}
bool functions_lost(const GoalPair& pair) {
  return pair.from.has("functions") && !pair.to.has("functions");
}
bool field_expiry_lost(const GoalPair& pair) {
  return pair.from.has("field-expiry") && !pair.to.has("field-expiry");
}
bool module_lost(const GoalPair& pair) {
  const auto written = with_values(pair.from.modules);
  return std::any_of(written.begin(), written.end(), [&](const std::string& module) {
    return std::find(pair.to.modules.begin(), pair.to.modules.end(), module) ==
           pair.to.modules.end();
  });
}
/// Values of modules are compared only then: other versions save the same value as other bytes.
bool module_values(const GoalPair& pair) {
  return pair.same && !with_values(pair.from.modules).empty();
}

/// Those of the pair that can meet a goal, the likeliest first.
using FamiliesOf = Families (*)(const GoalPair& pair);
Families rewritten(const GoalPair& pair) {
  return families_of_newer_commands(pair, Substitute::command);
}
Families read_again(const GoalPair& pair) {
  return families_of_newer_commands(pair, Substitute::reading);
}

/// One goal of the fixed list: what shows it, what makes it possible, and which families can meet
/// it: those named (none: any), or by the pair.
struct GoalRule {
  const char* name;
  const char* event;  ///< of coverage.h
  Rule possible;
  Families families;
  FamiliesOf by_pair = nullptr;
};

const std::vector<GoalRule>& rules() {
  static const std::vector<GoalRule> all = {
      {"a value was copied by RESTORE", "restored", always, {}},
      {"a value was copied as commands", "rebuilt", newer_values, {}},
      {"a key expired during the full copy", "expired_in_copy", always, {"expiry"}},
      {"a write was followed", "written_following", always, {}},
      {"a key expired while following", "expired_following", always, {"expiry", "everything"}},
      {"a field of a hash expired while it ran", "fields_expired", field_expiry, {"expiry"}},
      {"a command was rewritten for the target", "rewritten", always, {}, rewritten},
      {"what a command wrote that the target does not know was read again",
       "unknown",
       always,
       {},
       read_again},
      {"a transaction of a client was applied",
       "client_transactions",
       always,
       {"transactions", "everything"}},
      {"a script ran", "scripts", always, {"lua", "everything"}},
      {"a function ran", "functions", functions, {"functions", "everything"}},
      {"a blocking command waited and was served", "blocked", always, {"lists"}},
      {"a key was evicted by the source", "evicted", always, {"eviction"}},
      {"the source was emptied", "flushes", always, {"flush"}},
      {"a stream was left out", "left_out_streams", streams_lost, {}},
      {"a library of functions was left out",
       "left_out_functions",
       functions_lost,
       {"functions", "everything"}},
      {"a hash with fields that expire was left out",
       "left_out_field_expiry",
       field_expiry_lost,
       {}},
      {"a value of a module was left out", "left_out_modules", module_lost, {}},
      {"a value of a module was written", "module_writes", module_values, {}},
  };
  return all;
}

/// The rule of a goal that a family has; nullptr: it is of the fixed list.
const FamilyRule* family_rule_of(const Goal& goal) {
  const auto found =
      std::find_if(std::begin(family_rules), std::end(family_rules),
                   [&](const FamilyRule& rule) { return goal.name.starts_with(rule.name); });
  return found == std::end(family_rules) ? nullptr : found;
}

const GoalRule& rule_of(const Goal& goal) {
  const auto found = std::find_if(rules().begin(), rules().end(),
                                  [&](const GoalRule& rule) { return rule.name == goal.name; });
  LOCKSTEP_ASSERT(found != rules().end());
  return *found;
}

/// The families of the pair that can meet the goal, the likeliest first.
Families families_for(const GoalRule& rule, const GoalPair& pair) {
  if (rule.by_pair != nullptr) return rule.by_pair(pair);
  if (rule.families.empty()) return pair.families;
  Families found;
  for (const std::string& family : rule.families) {
    if (std::find(pair.families.begin(), pair.families.end(), family) != pair.families.end())
      found.push_back(family);
  }
  return found;
}

/// The event that a case of the family has to show; nullptr: it says nothing of the goal.
const char* event_of(const Goal& goal, const std::string& family) {
  const FamilyRule* of_family = family_rule_of(goal);
  if (of_family == nullptr) return rule_of(goal).event;
  return goal.name.substr(of_family->name.size()) == family ? of_family->event : nullptr;
}

}  // namespace

std::vector<Goal> goals_of(const GoalPair& pair) {
  std::vector<Goal> goals;
  for (const GoalRule& rule : rules())
    goals.push_back({rule.name, 0, rule.possible(pair) && !families_for(rule, pair).empty()});
  for (const FamilyRule& rule : family_rules)
    for (const std::string& family : pair.families)
      goals.push_back({std::string(rule.name) + family, 0, true});
  return goals;
}

void count_goals(const std::string& family, const Coverage& coverage, std::vector<Goal>& goals) {
  for (Goal& goal : goals) {
    const char* event = event_of(goal, family);
    if (event == nullptr) continue;
    const auto found = coverage.find(event);
    if (found != coverage.end()) goal.times += found->second;
  }
}

std::string family_for(const Goal& goal, const GoalPair& pair) {
  const FamilyRule* of_family = family_rule_of(goal);
  if (of_family != nullptr) return goal.name.substr(of_family->name.size());
  return families_for(rule_of(goal), pair).front();
}

std::string goals_missed(const std::vector<Goal>& goals) {
  std::string text;
  for (const Goal& goal : goals) {
    if (!goal.met()) text += (text.empty() ? "" : ", ") + goal.name;
  }
  return text;
}

}  // namespace lockstep::scenarios::certify
