#pragma once

// The rules of adapt(), private to this module. Each is asked for every request of its commands.

#include <algorithm>
#include <initializer_list>

#include "sync/commands/dialect.h"
#include "sync/commands/text.h"

namespace lockstep::commands::rules {

using Args = std::span<const Bytes>;
using Rule = Fit(const Dialect&, const Spec&, Args, Requests&);

// Strings.
Rule set;
Rule getex;
Rule msetex;
Rule removal;
Rule bitop;
// Keys.
Rule expire;
Rule move;
Rule restore;
// Lists.
Rule pop;
Rule pushx;
Rule lmove;
// Hashes.
Rule hset;
Rule hsetex;
Rule hgetdel;
Rule hgetex;
// Sorted sets.
Rule zadd;
Rule geoadd;
Rule zpop;
Rule geo_search;
// Streams.
Rule xadd_xtrim;
Rule xdelex;
Rule xsetid;
Rule xgroup_position;
Rule xgroup_createconsumer;
Rule xclaim;

inline bool is_any(Bytes text, std::initializer_list<Bytes> words) {
  return std::ranges::any_of(words, [&](Bytes word) { return is_word(text, word); });
}

/// Without a rule: as it is where the target knows the command and takes so many arguments.
inline Fit as_it_is(const Dialect& dialect, const Spec& spec, Args args) {
  return dialect.takes(spec, args.size()) ? Fit::as_is : Fit::fence;
}

/// `name` with these arguments.
inline Fit send(Requests& out, Bytes name, Args args) {
  out.begin(name);
  out.add(args);
  return Fit::rewritten;
}

}  // namespace lockstep::commands::rules
