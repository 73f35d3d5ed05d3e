// Which rule is whose. The rules stand in adapt_values.cc and adapt_zsets_streams.cc.
#include <algorithm>
#include <array>

#include "sync/commands/adapt_rules.h"

namespace lockstep::commands {
namespace {

struct NamedRule {
  Bytes name;
  rules::Rule* rule;
};

constexpr std::array named_rules = {
    NamedRule{"set", rules::set},
    NamedRule{"getex", rules::getex},
    NamedRule{"msetex", rules::msetex},
    NamedRule{"getdel", rules::removal},
    NamedRule{"delex", rules::removal},
    NamedRule{"delifeq", rules::removal},
    NamedRule{"unlink", rules::removal},
    NamedRule{"bitop", rules::bitop},
    NamedRule{"expire", rules::expire},
    NamedRule{"pexpire", rules::expire},
    NamedRule{"expireat", rules::expire},
    NamedRule{"pexpireat", rules::expire},
    NamedRule{"move", rules::move},
    NamedRule{"restore", rules::restore},
    NamedRule{"restore-asking", rules::restore},
    NamedRule{"lpop", rules::pop},
    NamedRule{"rpop", rules::pop},
    NamedRule{"lpushx", rules::pushx},
    NamedRule{"rpushx", rules::pushx},
    NamedRule{"lmove", rules::lmove},
    NamedRule{"blmove", rules::lmove},
    NamedRule{"hset", rules::hset},
    NamedRule{"hsetex", rules::hsetex},
    NamedRule{"hgetdel", rules::hgetdel},
    NamedRule{"hgetex", rules::hgetex},
    NamedRule{"zadd", rules::zadd},
    NamedRule{"geoadd", rules::geoadd},
    NamedRule{"zpopmin", rules::zpop},
    NamedRule{"zpopmax", rules::zpop},
    NamedRule{"georadius", rules::geo_search},
    NamedRule{"georadiusbymember", rules::geo_search},
    NamedRule{"geosearchstore", rules::geo_search},
    NamedRule{"xadd", rules::xadd_xtrim},
    NamedRule{"xtrim", rules::xadd_xtrim},
    NamedRule{"xdelex", rules::xdelex},
    NamedRule{"xsetid", rules::xsetid},
    NamedRule{"xgroup create", rules::xgroup_position},
    NamedRule{"xgroup setid", rules::xgroup_position},
    NamedRule{"xgroup createconsumer", rules::xgroup_createconsumer},
    NamedRule{"xclaim", rules::xclaim},
};

/// The rule of each row of the table.
std::vector<rules::Rule*> rules_by_row() {
  std::vector<rules::Rule*> by_row(all().size(), nullptr);
  for (size_t row = 0; row < by_row.size(); ++row) {
    const auto named = std::ranges::find(named_rules, all()[row].name, &NamedRule::name);
    if (named != named_rules.end()) by_row[row] = named->rule;
  }
  return by_row;
}

}  // namespace

Fit adapt(const Dialect& dialect, const Spec& spec, std::span<const Bytes> args, Requests& out) {
  static const std::vector<rules::Rule*> by_row = rules_by_row();
  out.clear();
  if (!spec.write) return Fit::as_is;
  const auto arity = static_cast<size_t>(spec.arity < 0 ? -spec.arity : spec.arity);
  if (args.size() < arity) return Fit::fence;
  rules::Rule* const rule = by_row[static_cast<size_t>(&spec - all().data())];
  return rule ? rule(dialect, spec, args, out) : rules::as_it_is(dialect, spec, args);
}

}  // namespace lockstep::commands
