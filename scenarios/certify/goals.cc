#include "scenarios/certify/goals.h"

#include <algorithm>

#include "scenarios/module_values.h"
#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

namespace {

using Rule = bool (*)(const GoalPair& pair);

/// Before the name of a family: the goal that its own commands had an effect.
constexpr std::string_view of_family = "commands succeeded, family ";

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
/// Since 7.0 expiries of SET are sent as PXAT, which 6.2 is the first to take.
bool newer_commands(const GoalPair& pair) {
  return pair.from.commands >= 700 && pair.to.commands < 602;
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

/// One goal of the fixed list: what shows it, what makes it possible, and which families (empty:
/// any) can meet it.
struct GoalRule {
  const char* name;
  const char* event;  ///< of coverage.h
  Rule possible;
  std::vector<std::string> families;
};

const std::vector<GoalRule>& rules() {
  static const std::vector<GoalRule> all = {
      {"a value was copied by RESTORE", "restored", always, {}},
      {"a value was copied as commands", "rebuilt", newer_values, {}},
      {"a write crossed the full copy", "written_in_copy", always, {"expiry", "everything"}},
      {"a key expired during the full copy", "expired_in_copy", always, {"expiry"}},
      {"a write was followed", "written_following", always, {}},
      {"a key expired while following", "expired_following", always, {"expiry", "everything"}},
      {"a field of a hash expired while it ran", "fields_expired", field_expiry, {"expiry"}},
      {"a command was rewritten for the target",
       "rewritten",
       newer_commands,
       {"expiry", "everything"}},
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

/// The family whose own commands are to succeed; empty: it is a goal of the fixed list.
std::string family_of(const Goal& goal) {
  return goal.name.starts_with(of_family) ? goal.name.substr(of_family.size()) : "";
}

const GoalRule& rule_of(const Goal& goal) {
  const auto found = std::find_if(rules().begin(), rules().end(),
                                  [&](const GoalRule& rule) { return rule.name == goal.name; });
  LOCKSTEP_ASSERT(found != rules().end());
  return *found;
}

bool has_a_family(const GoalRule& rule, const std::vector<std::string>& families) {
  return rule.families.empty() ||
         std::any_of(rule.families.begin(), rule.families.end(), [&](const std::string& family) {
           return std::find(families.begin(), families.end(), family) != families.end();
         });
}

}  // namespace

std::vector<Goal> goals_of(const GoalPair& pair) {
  std::vector<Goal> goals;
  for (const GoalRule& rule : rules())
    goals.push_back({rule.name, 0, rule.possible(pair) && has_a_family(rule, pair.families)});
  for (const std::string& family : pair.families)
    goals.push_back({std::string(of_family) + family, 0, true});
  return goals;
}

void count_goals(const std::string& family, const Coverage& coverage, std::vector<Goal>& goals) {
  for (Goal& goal : goals) {
    const std::string wanted = family_of(goal);
    if (!wanted.empty() && wanted != family) continue;
    const auto found = coverage.find(wanted.empty() ? rule_of(goal).event : "succeeded");
    if (found != coverage.end()) goal.times += found->second;
  }
}

std::string family_for(const Goal& goal, const std::vector<std::string>& families) {
  if (const std::string family = family_of(goal); !family.empty()) return family;
  for (const std::string& family : rule_of(goal).families) {
    if (std::find(families.begin(), families.end(), family) != families.end()) return family;
  }
  return families.front();
}

std::string goals_missed(const std::vector<Goal>& goals) {
  std::string text;
  for (const Goal& goal : goals) {
    if (!goal.met()) text += (text.empty() ? "" : ", ") + goal.name;
  }
  return text;
}

}  // namespace lockstep::scenarios::certify
