// The rules of adapt() for sorted sets and streams.
#include <array>

#include "sync/commands/adapt_rules.h"

namespace lockstep::commands::rules {

/// What stands between the key and the first score of ZADD, or the first longitude of GEOADD.
struct AddOptions {
  size_t end = 2;
  bool conditional = false;  ///< NX, XX, GT, LT
  bool compares = false;     ///< GT, LT
  bool increments = false;   ///< INCR
};

static AddOptions add_options(Args args) {
  AddOptions options;
  for (; options.end < args.size(); ++options.end) {
    const Bytes word = args[options.end];
    const bool compares = is_any(word, {"gt", "lt"});
    if (compares || is_any(word, {"nx", "xx"})) {
      options.conditional = true;
    } else if (is_word(word, "incr")) {
      options.increments = true;
    } else if (!is_word(word, "ch")) {
      break;
    }
    options.compares = options.compares || compares;
  }
  return options;
}

/// The condition of a single member was met. Of several it may have been for some.
Fit zadd(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  const AddOptions options = add_options(args);
  const bool understood =
      options.end == 2 || (dialect.has(Option::zadd_conditions) &&
                           (!options.compares || dialect.has(Option::zadd_comparisons)));
  if (understood) return as_it_is(dialect, spec, args);
  const Args members = args.subspan(options.end);
  if (options.conditional && members.size() != 2) return Fit::fence;
  send(out, options.increments ? Bytes("ZINCRBY") : Bytes("ZADD"), args.subspan(1, 1));
  out.add(members);
  return Fit::rewritten;
}

Fit geoadd(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  const AddOptions options = add_options(args);
  if (options.end == 2 || dialect.has(Option::geoadd_conditions) || !dialect.knows(spec))
    return as_it_is(dialect, spec, args);
  const Args members = args.subspan(options.end);
  if (options.conditional && members.size() != 3) return Fit::fence;
  send(out, args[0], args.subspan(1, 1));
  out.add(members);
  return Fit::rewritten;
}

/// ZPOPMIN and ZPOPMAX: those of the lowest or highest rank.
Fit zpop(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  const auto count = args.size() == 3 ? to_integer(args[2]) : std::optional<int64_t>(1);
  if (!count || *count < 0) return Fit::fence;
  if (*count == 0) return Fit::rewritten;
  const bool lowest = spec.name == "zpopmin";
  send(out, "ZREMRANGEBYRANK", args.subspan(1, 1));
  out.add_text(lowest ? "0" : std::to_string(-*count));
  out.add_text(lowest ? std::to_string(*count - 1) : "-1");
  return Fit::rewritten;
}

/// Distances are compared in floating point, and the boxes that are searched have changed between
/// releases; so has what becomes of the destination when there is nothing to search.
Fit geo_search(const Dialect& dialect, const Spec& spec, Args args, Requests&) {
  if (!dialect.has(Option::same_searches)) return Fit::fence;
  return as_it_is(dialect, spec, args);
}

// Streams.

/// One option of XADD before the id, or of XTRIM.
struct TrimOption {
  size_t length = 0;  ///< arguments, 0: not an option
  bool dropped = false;
  bool unknown = false;  ///< to the target, and not without effect
};

static TrimOption trim_option(const Dialect& dialect, Args args, size_t i, bool about) {
  const bool by_id = dialect.has(Option::xadd_minid);
  const bool references = dialect.has(Option::xadd_references);
  if (is_word(args[i], "nomkstream")) return {.length = 1, .dropped = !by_id};
  if (is_word(args[i], "keepref")) return {.length = 1, .dropped = !references};
  if (is_any(args[i], {"delref", "acked"})) return {.length = 1, .unknown = !references};
  // Sources make = of ~ and leave the LIMIT, which is refused from anyone but a primary.
  if (is_word(args[i], "limit"))
    return {.length = 2, .dropped = !about, .unknown = !by_id && about};
  if (!is_any(args[i], {"maxlen", "minid"})) return {};
  const bool sign = i + 1 < args.size() && is_any(args[i + 1], {"=", "~"});
  return {.length = sign ? 3u : 2u, .unknown = !by_id && is_word(args[i], "minid")};
}

Fit xadd_xtrim(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (!dialect.knows(spec)) return Fit::fence;
  std::vector<Bytes> kept(args.begin() + 1, args.begin() + 2);
  size_t i = 2;
  bool about = false;  // MAXLEN ~ or MINID ~
  while (i < args.size()) {
    const TrimOption option = trim_option(dialect, args, i, about);
    if (option.length == 0) break;
    if (option.unknown || i + option.length > args.size()) return Fit::fence;
    about = about || (option.length == 3 && args[i + 1] == "~");
    if (!option.dropped)
      kept.insert(kept.end(), args.begin() + i, args.begin() + i + option.length);
    i += option.length;
  }
  if (kept.size() + 1 == i) return as_it_is(dialect, spec, args);
  send(out, args[0], kept);
  out.add(args.subspan(i));
  return Fit::rewritten;
}

/// XDELEX key [KEEPREF] IDS count id …
Fit xdelex(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  const size_t ids = args.size() > 2 && is_word(args[2], "keepref") ? 3 : 2;
  if (ids + 2 >= args.size() || !is_word(args[ids], "ids") || !dialect.knows("xdel"))
    return Fit::fence;
  send(out, "XDEL", args.subspan(1, 1));
  out.add(args.subspan(ids + 2));
  return Fit::rewritten;
}

/// XSETID key id [ENTRIESADDED n] [MAXDELETEDID id]
Fit xsetid(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (args.size() == 3 || dialect.has(Option::stream_counters) || !dialect.knows(spec))
    return as_it_is(dialect, spec, args);
  return send(out, args[0], args.subspan(1, 2));
}

/// XGROUP CREATE | SETID key group id [MKSTREAM] [ENTRIESREAD n]
Fit xgroup_position(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.has(Option::stream_counters) || !dialect.knows(spec) || args.size() < 6)
    return as_it_is(dialect, spec, args);
  std::vector<Bytes> kept(args.begin() + 1, args.begin() + 5);
  for (size_t i = 5; i < args.size(); ++i) {
    if (is_word(args[i], "entriesread"))
      ++i;
    else
      kept.push_back(args[i]);
  }
  if (kept.size() + 1 == args.size()) return as_it_is(dialect, spec, args);
  return send(out, args[0], kept);
}

Fit xgroup_createconsumer(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.has(Option::create_consumer)) return as_it_is(dialect, spec, args);
  if (!dialect.knows("xreadgroup") || args.size() != 5) return Fit::fence;
  send(out, "XREADGROUP", std::array{Bytes("GROUP")});
  out.add(args.subspan(3));
  for (const Bytes word : {Bytes("STREAMS"), args[2], Bytes("0")}) out.add(word);
  return Fit::rewritten;
}

/// Before 7.0 the reply tells whether the entry is there only without JUSTID.
Fit xclaim(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.has(Option::same_claims) || dialect.has(Option::stream_counters) ||
      !dialect.knows(spec))
    return as_it_is(dialect, spec, args);
  // XCLAIM key group consumer min-idle-time id …
  constexpr size_t options_begin = 6;
  std::vector<Bytes> kept;
  for (size_t i = 1; i < args.size(); ++i) {
    if (i < options_begin || !is_word(args[i], "justid")) kept.push_back(args[i]);
  }
  return send(out, args[0], kept);
}

}  // namespace lockstep::commands::rules
