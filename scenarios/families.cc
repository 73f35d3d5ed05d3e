#include "scenarios/families.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "scenarios/forms/expiry.inc"
#include "scenarios/forms/lists.inc"
#include "scenarios/forms/lua.inc"
#include "scenarios/forms/many_keys.inc"
#include "scenarios/forms/others.inc"
#include "scenarios/forms/types.inc"
#include "scenarios/words.h"

namespace lockstep::scenarios {

namespace {

constexpr Family all_families[] = {
    {"cross-slot", cross_slot_forms},
    {"expiry", expiry_forms},
    {"lists", list_forms},
    {"lua", lua_forms},
    {"eviction", eviction_forms},
    {"strings", string_forms},
    {"hashes", hash_forms},
    {"sets", set_forms},
    {"zsets", zset_forms},
    {"streams", stream_forms},
    {"hyperloglog", hyperloglog_forms},
    {"bits", bit_forms},
    {"geo", geo_forms},
    {"transactions", transaction_forms},
    {"functions", function_forms},
    {"databases", database_forms},
    {"big-keys", big_key_forms},
    {"flush", flush_forms},
};

/// Left out of `everything`: one FLUSHALL would end most of what the others are there to find.
bool in_everything(const Family& family) { return family.name != "flush"; }

/// What families are there for that have other commands too.
const std::map<std::string, std::vector<std::string>>& purposes() {
  static const std::map<std::string, std::vector<std::string>> all = {
      {"lua", {"EVAL", "EVALSHA"}},       {"functions", {"FCALL"}},
      {"transactions", {"EXEC"}},         {"databases", {"SELECT", "MOVE", "COPY", "SWAPDB"}},
      {"flush", {"FLUSHALL", "FLUSHDB"}},
  };
  return all;
}

/// Commands of forms that write nothing.
bool writes_nothing(const std::string& command) {
  constexpr std::array names{"MULTI",  "EXEC", "DISCARD", "WATCH",   "SELECT",
                             "SCRIPT", "GET",  "LCS",     "PFCOUNT", "FUNCTION"};
  return std::find(names.begin(), names.end(), command) != names.end();
}

/// The first word of a form, and those behind each ";". A pause is none.
std::vector<std::string> commands_of(const Form& form) {
  std::vector<std::string> commands;
  bool first = true;
  for (const std::string& word : split_words(form.words)) {
    const bool between = word == ";" || word.starts_with('~');
    if (first && !between) commands.push_back(word);
    first = between;
  }
  return commands;
}

}  // namespace

std::span<const Family> families() { return all_families; }

const std::vector<std::string>& family_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result = {"everything"};
    for (const Family& family : all_families) result.emplace_back(family.name);
    return result;
  }();
  return names;
}

bool is_family(const std::string& name) {
  const auto& names = family_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<Form> forms_of(const std::string& family) {
  std::vector<Form> result;
  for (const Family& each : all_families) {
    if (family == "everything" ? !in_everything(each) : each.name != family) continue;
    result.insert(result.end(), each.forms.begin(), each.forms.end());
  }
  return result;
}

std::vector<std::string> commands_of(const std::string& family) {
  const auto purpose = purposes().find(family);
  if (purpose != purposes().end()) return purpose->second;
  std::set<std::string> commands;
  for (const Form& form : forms_of(family)) {
    for (std::string& command : commands_of(form))
      if (!writes_nothing(command)) commands.insert(std::move(command));
  }
  return {commands.begin(), commands.end()};
}

}  // namespace lockstep::scenarios
