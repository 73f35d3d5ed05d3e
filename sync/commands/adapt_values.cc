// The rules of adapt() for strings, keys, lists and hashes.
#include "sync/commands/adapt_rules.h"

namespace lockstep::commands::rules {

/// GET goes always: its reply would only be thrown away.
Fit set(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (args.size() <= 3) return as_it_is(dialect, spec, args);
  std::vector<Bytes> kept(args.begin() + 1, args.begin() + 3);
  for (size_t i = 3; i < args.size(); ++i) {
    if (is_word(args[i], "get")) continue;
    const bool condition = is_any(args[i], {"ifeq", "ifne", "ifdeq", "ifdne"});
    const bool two = condition || is_any(args[i], {"ex", "px", "exat", "pxat"});
    if (two && i + 1 == args.size()) return Fit::fence;
    if (condition && !dialect.has(Option::set_conditions)) {
      ++i;
      continue;
    }
    if (is_word(args[i], "keepttl") && !dialect.has(Option::set_keepttl)) return Fit::fence;
    kept.push_back(args[i]);
    if (two) kept.push_back(args[++i]);
  }
  if (kept.size() + 1 == args.size()) return as_it_is(dialect, spec, args);
  return send(out, "SET", kept);
}

/// The command that sets the expiry which an option (EX, PX, EXAT, PXAT) stands for; empty: none.
static Bytes expire_command(Bytes option) {
  if (is_word(option, "ex")) return "EXPIRE";
  if (is_word(option, "px")) return "PEXPIRE";
  if (is_word(option, "exat")) return "EXPIREAT";
  return is_word(option, "pxat") ? Bytes("PEXPIREAT") : Bytes();
}

/// GETEX without an option changes nothing.
Fit getex(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  if (args.size() == 2) return Fit::rewritten;
  if (is_word(args[2], "persist")) return send(out, "PERSIST", args.subspan(1, 1));
  const Bytes command = expire_command(args[2]);
  if (command.empty() || args.size() != 4) return Fit::fence;
  send(out, command, args.subspan(1, 1));
  out.add(args[3]);
  return Fit::rewritten;
}

/// MSETEX count key value … [NX | XX] [expiry | KEEPTTL]
Fit msetex(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  const auto count = args.size() > 1 ? to_integer(args[1]) : std::nullopt;
  if (!count || *count < 1 || static_cast<uint64_t>(*count) > args.size() / 2) return Fit::fence;
  const Args pairs = args.subspan(2);
  const size_t words = 2 * static_cast<size_t>(*count);
  if (words > pairs.size()) return Fit::fence;
  send(out, "MSET", pairs.first(words));
  for (size_t i = words; i < pairs.size(); ++i) {
    if (is_any(pairs[i], {"nx", "xx"})) continue;
    const Bytes command = expire_command(pairs[i]);
    if (command.empty() || i + 1 == pairs.size()) return Fit::fence;
    ++i;
    for (size_t key = 0; key < words; key += 2) {
      send(out, command, pairs.subspan(key, 1));
      out.add(pairs[i]);
    }
  }
  return Fit::rewritten;
}

/// GETDEL, DELEX and DELIFEQ of one key, UNLINK of many.
Fit removal(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  const bool many = spec.name == "unlink";
  return send(out, "DEL", many ? args.subspan(1) : args.subspan(1, 1));
}

Fit bitop(const Dialect& dialect, const Spec& spec, Args args, Requests&) {
  if (!dialect.has(Option::bitop_more) && !is_any(args[1], {"and", "or", "xor", "not"}))
    return Fit::fence;
  return as_it_is(dialect, spec, args);
}

// Keys.

/// The condition behind the time is left out where it is not known.
Fit expire(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  if (args.size() < 3) return Fit::fence;
  return send(out, args[0], args.subspan(1, 2));
}

/// Before 3.0, which knows no REPLACE either, MOVE drops the expiry.
Fit move(const Dialect& dialect, const Spec& spec, Args args, Requests&) {
  if (!dialect.has(Option::restore_replace)) return Fit::fence;
  return as_it_is(dialect, spec, args);
}

/// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n]. ABSTTL stays where there is a
/// ttl: rewrite_expiry() makes of it what the target takes.
Fit restore(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  const bool plain = args.size() == 4 ||
                     (dialect.has(Option::restore_replace) && dialect.has(Option::restore_absttl));
  if (plain) return as_it_is(dialect, spec, args);
  if (!dialect.knows(spec)) return Fit::fence;
  std::vector<Bytes> kept(args.begin() + 1, args.begin() + 4);
  bool replace = false;
  for (size_t i = 4; i < args.size(); ++i) {
    if (is_any(args[i], {"idletime", "freq"})) {
      ++i;
    } else if (is_word(args[i], "replace")) {
      replace = true;
    } else if (!is_word(args[i], "absttl")) {
      return Fit::fence;
    } else if (args[2] != "0") {
      kept.push_back(args[i]);
    }
  }
  const bool takes_replace = dialect.has(Option::restore_replace);
  if (replace && takes_replace) kept.push_back("REPLACE");
  if (replace && !takes_replace) send(out, "DEL", args.subspan(1, 1));
  return send(out, args[0], kept);
}

// Lists.

/// LPOP and RPOP of several: what stays is a range.
Fit pop(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  const auto count = args.size() == 3 ? to_integer(args[2]) : std::nullopt;
  if (!count || *count < 0) return Fit::fence;
  send(out, "LTRIM", args.subspan(1, 1));
  const bool left = spec.name == "lpop";
  out.add_text(left ? std::to_string(*count) : "0");
  out.add_text(left ? "-1" : std::to_string(-*count - 1));
  return Fit::rewritten;
}

/// LPUSHX and RPUSHX of several elements.
Fit pushx(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  for (const Bytes element : args.subspan(2)) {
    send(out, args[0], args.subspan(1, 1));
    out.add(element);
  }
  return Fit::rewritten;
}

Fit lmove(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  if (args.size() < 5 || !is_word(args[3], "right") || !is_word(args[4], "left")) return Fit::fence;
  return send(out, "RPOPLPUSH", args.subspan(1, 2));
}

// Hashes.

Fit hset(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  return send(out, "HMSET", args.subspan(1));
}

/// The command for an expiry option of HSETEX and HGETEX; empty: none.
static Bytes field_expire_command(Bytes option) {
  if (is_word(option, "ex")) return "HEXPIRE";
  if (is_word(option, "px")) return "HPEXPIRE";
  if (is_word(option, "exat")) return "HEXPIREAT";
  return is_word(option, "pxat") ? Bytes("HPEXPIREAT") : Bytes();
}

/// HSETEX key [FNX | FXX] [expiry | KEEPTTL] FIELDS count field value …
Fit hsetex(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  Bytes command, time;
  size_t i = 2;
  for (; i < args.size() && !is_word(args[i], "fields"); ++i) {
    if (is_any(args[i], {"fnx", "fxx"})) continue;
    // Where fields do not expire there is nothing to keep.
    if (is_word(args[i], "keepttl") && !dialect.knows("hpexpireat")) continue;
    command = field_expire_command(args[i]);
    if (command.empty() || ++i == args.size() || !dialect.knows("hpexpireat")) return Fit::fence;
    time = args[i];
  }
  if (i + 3 >= args.size() || (args.size() - i) % 2 != 0) return Fit::fence;
  const Args pairs = args.subspan(i + 2);
  send(out, "HMSET", args.subspan(1, 1));
  out.add(pairs);
  if (command.empty()) return Fit::rewritten;
  send(out, command, args.subspan(1, 1));
  out.add(time);
  out.add(args.subspan(i, 2));
  for (size_t field = 0; field < pairs.size(); field += 2) out.add(pairs[field]);
  return Fit::rewritten;
}

/// HGETDEL key FIELDS count field …
Fit hgetdel(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  if (args.size() < 5 || !is_word(args[2], "fields")) return Fit::fence;
  send(out, "HDEL", args.subspan(1, 1));
  out.add(args.subspan(4));
  return Fit::rewritten;
}

/// HGETEX key [expiry | PERSIST] FIELDS count field …
Fit hgetex(const Dialect& dialect, const Spec& spec, Args args, Requests& out) {
  if (dialect.takes(spec, args.size())) return Fit::as_is;
  if (args.size() < 5 || !dialect.knows("hpexpireat")) return Fit::fence;
  if (is_word(args[2], "fields")) return Fit::rewritten;
  const bool persist = is_word(args[2], "persist");
  const Bytes command = persist ? Bytes("HPERSIST") : field_expire_command(args[2]);
  if (command.empty()) return Fit::fence;
  send(out, command, args.subspan(1, 1));
  out.add(args.subspan(3));
  return Fit::rewritten;
}

}  // namespace lockstep::commands::rules
