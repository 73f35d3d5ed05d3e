// README.md says why each class is what it is.
#include <algorithm>
#include <initializer_list>

#include "sync/commands/commands.h"
#include "sync/commands/text.h"

namespace lockstep::commands {
namespace {

using Args = std::span<const Bytes>;

bool is_any(Bytes text, std::initializer_list<Bytes> words) {
  return std::ranges::any_of(words, [&](Bytes word) { return is_word(text, word); });
}

/// Options from `first` on of SET and its kin: an absolute expiry leaves the command exact, one
/// from now on depends on the clock, and what is not known may be a condition.
Replay expiring_options(Args args, size_t first) {
  Replay result = Replay::exact;
  for (size_t i = first; i < args.size(); ++i) {
    if (is_any(args[i], {"keepttl", "get"})) continue;
    const bool relative = is_any(args[i], {"ex", "px"});
    if (!relative && !is_any(args[i], {"exat", "pxat"})) return Replay::fence;
    if (relative) result = Replay::expiry;
    ++i;
  }
  return result;
}

/// MSETEX numkeys key value … [options]
Replay msetex(Args args) {
  const auto count = args.size() > 1 ? to_integer(args[1]) : std::nullopt;
  if (!count || *count < 1 || static_cast<uint64_t>(*count) > args.size() / 2) return Replay::fence;
  return expiring_options(args, 2 + 2 * static_cast<size_t>(*count));
}

/// RESTORE key ttl payload [options]: without REPLACE it depends on what is there.
Replay restore(Args args) {
  if (args.size() < 4) return Replay::fence;
  const auto options = args.subspan(4);
  const auto has = [&](Bytes word) {
    return std::ranges::any_of(options, [&](Bytes text) { return is_word(text, word); });
  };
  if (!has("replace")) return Replay::fence;
  return args[2] == "0" || has("absttl") ? Replay::exact : Replay::expiry;
}

/// ZADD and GEOADD key [options] score member …: CH changes only the reply.
Replay zadd(Args args) {
  for (size_t i = 2; i < args.size(); ++i) {
    if (is_any(args[i], {"nx", "xx", "gt", "lt", "incr"})) return Replay::fence;
    if (!is_word(args[i], "ch")) break;
  }
  return Replay::exact;
}

Replay bitfield(Args args) {
  for (size_t i = 2; i < args.size(); ++i) {
    if (is_word(args[i], "incrby")) return Replay::fence;
  }
  return Replay::exact;
}

/// A complete stream id, "milliseconds-sequence".
bool is_stream_id(Bytes text) {
  const size_t dash = text.find('-');
  return dash != Bytes::npos && dash > 0 && dash + 1 < text.size() &&
         text.find_first_not_of("0123456789-") == Bytes::npos;
}

/// How many arguments an option of XADD before the id takes; 0: not one that leaves it exact.
size_t xadd_option_length(Args args, size_t i) {
  if (is_any(args[i], {"keepref", "delref", "acked"})) return 1;
  if (is_word(args[i], "limit")) return 2;
  if (!is_any(args[i], {"maxlen", "minid"})) return 0;
  return i + 1 < args.size() && is_any(args[i + 1], {"=", "~"}) ? 3 : 2;
}

/// XADD key [options] id …: with a complete id the second one is refused and leaves all as it is.
Replay xadd(Args args) {
  size_t i = 2;
  while (i < args.size() && xadd_option_length(args, i) != 0) i += xadd_option_length(args, i);
  return i < args.size() && is_stream_id(args[i]) ? Replay::exact : Replay::fence;
}

/// XDEL key id …: an id that is not there yet would be deleted, and then refused, the second time.
/// Of several ids only one need have been there for the command to be in a stream.
Replay xdel(Args args) { return args.size() == 3 ? Replay::exact : Replay::fence; }

/// HSETEX key [FNX | FXX] [expiry] FIELDS …
Replay hsetex(Args args) {
  if (args.size() < 3) return Replay::fence;
  if (is_word(args[2], "fields")) return Replay::exact;
  const bool absolute = args.size() > 4 && is_any(args[2], {"exat", "pxat"});
  return absolute && is_word(args[4], "fields") ? Replay::expiry : Replay::fence;
}

}  // namespace

Replay replay(const Spec& spec, Args args) {
  switch (spec.replay) {
    case Replay::exact:
    case Replay::expiry:
    case Replay::fence:
      return spec.replay;
    case Replay::set:
      return expiring_options(args, 3);
    case Replay::msetex:
      return msetex(args);
    case Replay::restore:
      return restore(args);
    case Replay::zadd:
      return zadd(args);
    case Replay::bitfield:
      return bitfield(args);
    case Replay::xadd:
      return xadd(args);
    case Replay::xdel:
      return xdel(args);
    case Replay::hsetex:
      return hsetex(args);
  }
  return Replay::fence;
}

}  // namespace lockstep::commands
