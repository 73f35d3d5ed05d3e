#include "scenarios/families.h"

#include <algorithm>

#include "scenarios/forms/expiry.inc"
#include "scenarios/forms/lists.inc"
#include "scenarios/forms/lua.inc"
#include "scenarios/forms/many_keys.inc"
#include "scenarios/forms/others.inc"
#include "scenarios/forms/types.inc"

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

}  // namespace lockstep::scenarios
