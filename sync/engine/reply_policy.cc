#include "sync/engine/reply_policy.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lockstep::engine {

namespace {

constexpr std::array<std::pair<Bytes, Policy>, 16> by_code{{
    {"LOADING", Policy::wait},
    {"MASTERDOWN", Policy::wait},
    {"BUSY", Policy::wait},
    {"UNKILLABLE", Policy::wait},
    {"MISCONF", Policy::wait},
    {"NOREPLICAS", Policy::wait},
    {"CONNECTION", Policy::wait},
    {"MOVED", Policy::reroute},
    {"ASK", Policy::reroute},
    {"CLUSTERDOWN", Policy::reroute},
    {"TRYAGAIN", Policy::reroute},
    {"READONLY", Policy::reroute},
    {"OOM", Policy::memory},
    {"NOAUTH", Policy::stop},
    {"NOPERM", Policy::stop},
    {"WRONGPASS", Policy::stop},
}};

constexpr std::array<Bytes, 8> needs_key{"pexpireat", "pexpire", "expireat", "expire",
                                         "persist",   "lpushx",  "rpushx",   "hsetex"};
constexpr std::array<Bytes, 6> needs_fields{"hpexpireat", "hpexpire", "hexpireat",
                                            "hexpire",    "hpersist", "hgetex"};

bool contains(Bytes text, Bytes part) { return text.find(part) != Bytes::npos; }

}  // namespace

bool is_undeclared_key(Bytes error) {
  return contains(error, "non local key") || contains(error, "do not hash to the same slot");
}

bool needs_its_key(Bytes command) {
  return std::find(needs_key.begin(), needs_key.end(), command) != needs_key.end();
}

bool needs_its_fields(Bytes command) {
  return std::find(needs_fields.begin(), needs_fields.end(), command) != needs_fields.end();
}

Policy policy_for(Bytes error, UnitKind kind) {
  const Bytes code = error.substr(0, error.find(' '));
  for (const auto& [name, policy] : by_code) {
    if (code == name) return policy;
  }
  if (kind == UnitKind::restore || kind == UnitKind::fence) {
    if (contains(error, "DUMP payload version") || contains(error, "Bad data format"))
      return Policy::rebuild;
    return Policy::stop;
  }
  // EXECABORT says only that a command was refused; what refused it came before and decided
  // already.
  if (contains(error, "OOM command")) return Policy::memory;
  if (is_undeclared_key(error)) return Policy::stop;
  const bool settles = kind == UnitKind::command || kind == UnitKind::transaction;
  return settles ? Policy::settle : Policy::stop;
}

}  // namespace lockstep::engine
