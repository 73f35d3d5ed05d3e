#include "scenarios/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/expand.h"
#include "scenarios/words.h"

namespace lockstep::scenarios {

namespace {

/// What Twemproxy 0.5 passes on (its notes/redis.md), of the commands in our forms. For anything
/// else it closes the connection.
constexpr std::array twemproxy_refuses = {"MULTI",          "EXEC",       "WATCH",
                                          "DISCARD",        "SELECT",     "MOVE",
                                          "SWAPDB",         "FLUSHALL",   "FLUSHDB",
                                          "SCRIPT",         "RENAME",     "RENAMENX",
                                          "MSETNX",         "BITOP",      "BLPOP",
                                          "BRPOP",          "BRPOPLPUSH", "BLMOVE",
                                          "BLMPOP",         "BZPOPMIN",   "BZMPOP",
                                          "LMPOP",          "ZMPOP",      "XADD",
                                          "XTRIM",          "XDEL",       "XGROUP",
                                          "XREADGROUP",     "XACK",       "XCLAIM",
                                          "XAUTOCLAIM",     "XSETID",     "FUNCTION",
                                          "FCALL",          "LCS",        "ZRANGESTORE",
                                          "ZDIFFSTORE",     "GEORADIUS",  "GEORADIUSBYMEMBER",
                                          "GEOSEARCHSTORE", "GEOADD",     "COPY",
                                          "BITFIELD",       "MSETEX",     "DELIFEQ",
                                          "HSETEX",         "HGETEX",     "HGETDEL"};

bool refused_by_twemproxy(const Form& form) {
  bool first = true;
  for (const auto& word : split_words(form.words)) {
    const bool refused = std::find(twemproxy_refuses.begin(), twemproxy_refuses.end(), word) !=
                         twemproxy_refuses.end();
    if (first && refused) return true;
    first = word == ";";
  }
  return false;
}

/// Some versions make a consumer and tell no replica: what then differs is the servers' doing. 5.0
/// at a claim that finds nothing, and again since 7.2; 5.0 and 6.0 at a read with NOACK; all at a
/// read that finds only entries that were deleted, and since 7.2 at one that finds nothing.
bool may_make_a_secret_consumer(const Form& form, uint16_t source_version) {
  const auto& words = form.words;
  if (source_version < 500) return false;
  if (words.starts_with("XCLAIM") || words.starts_with("XAUTOCLAIM"))
    return source_version < 600 || source_version >= 702;
  // Before 6.2 no command makes the consumer first: the newest entry is not deleted on purpose.
  if (words.find("XDEL $0") != std::string_view::npos) return source_version < 602;
  if (!words.starts_with("XREADGROUP")) return false;
  const bool noack = words.find("NOACK") != std::string_view::npos;
  return noack ? source_version < 602 : source_version >= 602;
}

/// Nodes of a cluster of Valkey 9.1.2 take MSETEX of keys in several slots, and then hold keys that
/// are not theirs: what is found there is the server's doing.
bool may_misplace_keys(const Form& form, const Capability& capability) {
  return capability.source == TopologyKind::cluster &&
         form.words.find("MSETEX 2") != std::string_view::npos;
}

/// The first version that can hold what a form writes.
uint16_t holds_since(const Form& form) {
  const auto has = [&](std::string_view text) {
    return form.words.find(text) != std::string_view::npos;
  };
  if (has("FUNCTION") || has("FCALL")) return 700;
  return has("$stream") || has("STREAMS") ? 500 : 0;
}

/// The forms of all families, each family with the same share whatever its number of forms.
struct WeightedForms {
  std::vector<std::vector<Form>> families;  // a form stands as often as it weighs

  WeightedForms(const WorkloadSpec& workload, const Capability& capability) {
    for (const auto& name : workload.families) {
      std::vector<Form> forms;
      for (const Form& form : forms_of(name)) {
        if (is_usable(form, capability)) forms.insert(forms.end(), form.weight, form);
      }
      if (!forms.empty()) families.push_back(std::move(forms));
    }
  }

  const Form& pick_form(rc::Random& random) const {
    const auto& forms = families[pick(random, families.size())];
    return forms[pick(random, forms.size())];
  }
};

/// Blocking forms get connections of their own, behind the others.
uint32_t pick_connection(rc::Random& random, const Form& form, uint32_t connections) {
  const auto n = static_cast<uint32_t>(pick(random, connections));
  return form.flags & blocks ? connections + n : n;
}

void append(std::vector<TimedCommand>& part, Step step, uint32_t connection, uint32_t at_ms) {
  for (auto& command : step.commands) {
    if (command.args.empty()) continue;
    part.push_back({connection, at_ms + command.delay_ms, step.route, std::move(command.args)});
  }
}

/// Before the sync starts nothing waits for a time, and nothing blocks.
void append_before(std::vector<TimedCommand>& part, Step step, uint32_t connection) {
  for (auto& command : step.commands) command.delay_ms = 0;
  append(part, std::move(step), connection, 0);
}

}  // namespace

std::string why_unusable(const Form& form, const Capability& capability) {
  const bool expires_fields = (form.flags & field_expiry) != 0;
  if (expires_fields && !capability.field_expiry) return "fields of hashes do not expire there";
  if (!form.needs.empty()) {
    if (!capability.abilities.contains(std::string(form.needs)))
      return "the server does not know them";
  } else if (!expires_fields && form.since > capability.version) {
    return fmt::format("newer than the commands of Redis {}.{}, which the server says it has",
                       capability.version / 100, capability.version % 100);
  }
  if (holds_since(form) > capability.oldest) return "a server cannot hold what they write";
  if (may_make_a_secret_consumer(form, capability.source_version))
    return "the source may make a consumer of which it tells no replica";
  if (may_misplace_keys(form, capability))
    return "a node of the cluster takes them for keys of other nodes too";
  if ((form.flags & databases) && !capability.multiple_databases)
    return "a cluster of these has one database";
  if ((form.flags & effects_only) && capability.version < 302)
    return "the source replicates scripts verbatim";
  const bool refused = capability.source == TopologyKind::twemproxy && refused_by_twemproxy(form);
  return refused ? "Twemproxy does not pass them on" : "";
}

bool is_usable(const Form& form, const Capability& capability) {
  return why_unusable(form, capability).empty();
}

std::map<std::string, std::vector<std::string>> unusable_forms(const std::string& family,
                                                               const Capability& capability) {
  std::map<std::string, std::vector<std::string>> forms;
  for (const Form& form : forms_of(family)) {
    const std::string why = why_unusable(form, capability);
    if (!why.empty()) forms[why].emplace_back(form.words);
  }
  return forms;
}

std::vector<std::string> unusable_families(const WorkloadSpec& workload,
                                           const Capability& capability) {
  std::vector<std::string> names;
  for (const auto& name : workload.families) {
    const auto forms = forms_of(name);
    const auto usable = [&](const Form& form) { return is_usable(form, capability); };
    if (std::none_of(forms.begin(), forms.end(), usable)) names.push_back(name);
  }
  return names;
}

Plan generate_plan(const WorkloadSpec& workload, const Capability& capability, uint64_t seed) {
  const WeightedForms forms(workload, capability);
  Plan plan{workload.connections * 2, {}, {}};
  if (forms.families.empty()) return plan;
  rc::Random random(seed);
  const auto before = static_cast<uint32_t>(workload.before * workload.commands);
  const uint32_t during = std::max(1u, workload.commands - before);
  const auto duration_ms = static_cast<uint64_t>(workload.duration.count());
  for (uint32_t i = 0; i < workload.commands; ++i) {
    const Form& form = forms.pick_form(random);
    const uint32_t connection = pick_connection(random, form, workload.connections);
    Step step = expand(form, {i, workload.keys, capability.source}, random.split());
    if (i < before) {
      if (!(form.flags & blocks)) append_before(plan.before, std::move(step), connection);
      continue;
    }
    append(plan.during, std::move(step), connection,
           static_cast<uint32_t>(duration_ms * (i - before) / during));
  }
  return plan;
}

}  // namespace lockstep::scenarios
