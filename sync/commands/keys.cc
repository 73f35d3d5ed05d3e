#include "sync/commands/commands.h"
#include "sync/commands/text.h"

namespace lockstep::commands {
namespace {

using Find = KeyRule::Find;
using Args = std::span<const Bytes>;
using Keys = std::vector<KeyRef>;

bool arity_fits(const Spec& spec, size_t count) {
  const size_t arity = static_cast<size_t>(spec.arity < 0 ? -spec.arity : spec.arity);
  return spec.arity < 0 ? count >= arity : count == arity;
}

void add(Keys& keys, size_t argument, bool written) {
  keys.push_back({static_cast<uint32_t>(argument), written});
}

/// `count` keys, `step` arguments each, from `first`. All of them, with what belongs to each, must
/// exist.
bool add_many(Args args, size_t first, size_t count, size_t step, bool written, Keys& keys) {
  if (first > args.size() || count > (args.size() - first) / step) return false;
  for (size_t i = 0; i < count; ++i) add(keys, first + i * step, written);
  return true;
}

bool add_range(const KeyRule& rule, Args args, Keys& keys) {
  const int64_t last = rule.last < 0 ? static_cast<int64_t>(args.size()) + rule.last : rule.last;
  const int64_t end = last + 1;
  // A range may be empty where the arity allows it: PFMERGE and SDIFFSTORE of nothing.
  if (end < rule.first || end > static_cast<int64_t>(args.size())) return false;
  const size_t length = static_cast<size_t>(end - rule.first);
  return length % rule.step == 0 &&
         add_many(args, rule.first, length / rule.step, rule.step, rule.written, keys);
}

bool add_counted(const KeyRule& rule, Args args, Keys& keys) {
  if (rule.first >= args.size()) return false;
  const auto count = to_integer(args[rule.first]);
  return count && *count >= rule.last &&
         add_many(args, rule.first + 1u, static_cast<size_t>(*count), rule.step, rule.written,
                  keys);
}

/// How many arguments an option of SORT takes, itself included.
size_t sort_option_length(Bytes option) {
  if (is_word(option, "limit")) return 3;
  return is_word(option, "by") || is_word(option, "get") ? 2 : 1;
}

bool is_store(const KeyRule& rule, Bytes option) {
  return is_word(option, "store") || (rule.find == Find::geo_store && is_word(option, "storedist"));
}

/// The last STORE counts, for the servers too.
bool add_stored(const KeyRule& rule, Args args, Keys& keys) {
  size_t stored = 0;
  for (size_t i = rule.first; i < args.size(); ++i) {
    if (is_store(rule, args[i])) {
      if (++i >= args.size()) return false;
      stored = i;
    } else if (rule.find == Find::sort_store) {
      i += sort_option_length(args[i]) - 1;
    }
  }
  if (stored != 0) add(keys, stored, rule.written);
  return true;
}

/// How many arguments an option of XREAD or XREADGROUP takes, itself included; 0: not an option.
size_t stream_option_length(Bytes option) {
  if (is_word(option, "block") || is_word(option, "count") || is_word(option, "claim")) return 2;
  if (is_word(option, "group")) return 3;
  return is_word(option, "noack") ? 1 : 0;
}

bool add_streams(const KeyRule& rule, Args args, Keys& keys) {
  size_t i = rule.first;
  // XREADGROUP's rule begins after GROUP name consumer.
  while (i < args.size() && !is_word(args[i], "streams")) {
    const size_t length = stream_option_length(args[i]);
    if (length == 0) return false;
    i += length;
  }
  if (i >= args.size()) return false;
  const size_t rest = args.size() - i - 1;
  return rest != 0 && rest % 2 == 0 && add_many(args, i + 1, rest / 2, 1, rule.written, keys);
}

size_t migrate_option_length(Bytes option) {
  if (is_word(option, "auth2")) return 3;
  return is_word(option, "auth") ? 2 : 1;
}

/// KEYS goes with an empty argument 3; without it that is the key, and may be empty.
bool add_migrated(const KeyRule& rule, Args args, Keys& keys) {
  for (size_t i = 6; i < args.size(); i += migrate_option_length(args[i])) {
    if (!is_word(args[i], "keys")) continue;
    return args[rule.first].empty() && i + 1 < args.size() &&
           add_many(args, i + 1, args.size() - i - 1, 1, rule.written, keys);
  }
  add(keys, rule.first, rule.written);
  return true;
}

/// STRALGO LCS [IDX] [LEN] [MINMATCHLEN n] [WITHMATCHLEN] KEYS a b, or STRINGS a b.
bool add_stralgo(const KeyRule& rule, Args args, Keys& keys) {
  for (size_t i = rule.first; i < args.size(); ++i) {
    if (is_word(args[i], "strings")) return true;
    if (is_word(args[i], "keys")) return add_many(args, i + 1, 2, 1, rule.written, keys);
  }
  return false;
}

bool add_keys(const KeyRule& rule, Args args, Keys& keys) {
  switch (rule.find) {
    case Find::none:
      return true;
    case Find::range:
      return add_range(rule, args, keys);
    case Find::counted:
      return add_counted(rule, args, keys);
    case Find::sort_store:
    case Find::geo_store:
      return add_stored(rule, args, keys);
    case Find::streams:
      return add_streams(rule, args, keys);
    case Find::migrated:
      return add_migrated(rule, args, keys);
    case Find::stralgo:
      return add_stralgo(rule, args, keys);
  }
  return false;
}

}  // namespace

bool find_keys(const Spec& spec, Args args, Keys& keys) {
  keys.clear();
  const bool found = arity_fits(spec, args.size()) && add_keys(spec.keys[0], args, keys) &&
                     add_keys(spec.keys[1], args, keys);
  if (!found) keys.clear();
  return found;
}

std::optional<DbIndex> other_database(const Spec& spec, std::span<const Bytes> args) {
  const auto number = [&](size_t argument) -> std::optional<DbIndex> {
    const auto value = argument < args.size() ? to_integer(args[argument]) : std::nullopt;
    if (!value || *value < 0 || *value > INT32_MAX) return {};
    return DbIndex{static_cast<uint32_t>(*value)};
  };
  if (spec.name == "move") return number(2);
  if (spec.name != "copy") return {};
  for (size_t i = 3; i < args.size(); ++i) {
    if (is_word(args[i], "db")) return number(i + 1);
  }
  return {};
}

}  // namespace lockstep::commands
