// The rows stand in table/*.inc, one file a family, in the words of the functions below.
#include <algorithm>

#include "sync/commands/commands.h"
#include "sync/commands/text.h"

namespace lockstep::commands {
namespace {

using Find = KeyRule::Find;
using KeyRules = std::array<KeyRule, 2>;

constexpr KeyRule writes(uint8_t first, int8_t last = 0, uint8_t step = 1) {
  return {Find::range, true, first, last == 0 ? static_cast<int8_t>(first) : last, step};
}
constexpr KeyRule reads(uint8_t first, int8_t last = 0) {
  return {Find::range, false, first, last == 0 ? static_cast<int8_t>(first) : last, 1};
}
constexpr KeyRule writes_counted(uint8_t at, uint8_t step = 1) {
  return {Find::counted, true, at, 1, step};
}
/// Those that a script declares, which may be none.
constexpr KeyRule declared(bool written) { return {Find::counted, written, 2, 0, 1}; }
constexpr KeyRule reads_counted(uint8_t at) { return {Find::counted, false, at, 1, 1}; }
constexpr KeyRule writes_sort_store() { return {Find::sort_store, true, 2, 0, 1}; }
constexpr KeyRule writes_geo_store(uint8_t options) {
  return {Find::geo_store, true, options, 0, 1};
}
constexpr KeyRule writes_streams(uint8_t options) { return {Find::streams, true, options, 0, 1}; }
constexpr KeyRule reads_streams(uint8_t options) { return {Find::streams, false, options, 0, 1}; }
constexpr KeyRule writes_migrated() { return {Find::migrated, true, 3, 3, 1}; }
constexpr KeyRule reads_stralgo() { return {Find::stralgo, false, 2, 0, 1}; }

/// A Spec while it is written down.
struct Row : Spec {
  constexpr Row splitting(Split how) const {
    Row row = *this;
    row.split = how;
    return row;
  }
  constexpr Row expiring(Expiry how) const {
    Row row = *this;
    row.expiry = how;
    return row;
  }
  constexpr Row container() const {
    Row row = *this;
    row.is_container = true;
    return row;
  }
};

constexpr Row row(Bytes name, int arity, Scope scope, KeyRules keys, Replay replay) {
  Row row;
  row.name = name;
  row.is_subcommand = name.find(' ') != Bytes::npos;
  row.arity = static_cast<int8_t>(arity);
  row.scope = scope;
  row.keys = keys;
  row.replay = replay;
  return row;
}
constexpr Row write(Bytes name, int arity, KeyRules keys, Replay replay) {
  Row made = row(name, arity, Scope::keys, keys, replay);
  made.write = true;
  return made;
}
constexpr Row keyless_write(Bytes name, int arity, Scope scope, Replay replay) {
  Row made = row(name, arity, scope, {}, replay);
  made.write = true;
  return made;
}
constexpr Row script_call(Bytes name, int arity, KeyRule keys) {
  Row made = write(name, arity, {keys}, Replay::fence);
  made.script_call = true;
  return made;
}
constexpr Row read(Bytes name, int arity, KeyRules keys) {
  return row(name, arity, Scope::keys, keys, Replay::exact);
}
/// Neither writes nor names keys. A second PUBLISH is heard twice.
constexpr Row other(Bytes name, int arity, Scope scope = Scope::other) {
  return row(name, arity, scope, {}, scope == Scope::publish ? Replay::fence : Replay::exact);
}

constexpr Spec rows[] = {
#include "sync/commands/table/hashes.inc"
#include "sync/commands/table/keys.inc"
#include "sync/commands/table/lists.inc"
#include "sync/commands/table/scripts.inc"
#include "sync/commands/table/server.inc"
#include "sync/commands/table/sets.inc"
#include "sync/commands/table/streams.inc"
#include "sync/commands/table/strings.inc"
#include "sync/commands/table/vectors.inc"
#include "sync/commands/table/zsets.inc"
};

// An open hash table of row numbers, filled at compile time. The hash ignores case, for which
// setting bit 5 is enough, since equality is checked afterwards.
constexpr size_t bucket_count = 2048;
constexpr uint16_t empty = 0xffff;

constexpr uint32_t hash_word(Bytes word, uint32_t hash) {
  for (const char c : word) hash = (hash ^ (static_cast<uint8_t>(c) | 0x20u)) * 16777619u;
  return hash;
}
constexpr uint32_t hash_words(Bytes word, Bytes subcommand) {
  uint32_t hash = hash_word(word, 2166136261u);
  if (!subcommand.empty()) hash = hash_word(subcommand, hash_word(" ", hash));
  return hash ^ (hash >> 15);
}

using Buckets = std::array<uint16_t, bucket_count>;
constexpr Buckets make_buckets() {
  Buckets buckets;
  buckets.fill(empty);
  for (size_t i = 0; i < std::size(rows); ++i) {
    size_t at = hash_words(rows[i].name, {}) % bucket_count;
    while (buckets[at] != empty) at = (at + 1) % bucket_count;
    buckets[at] = static_cast<uint16_t>(i);
  }
  return buckets;
}
constexpr Buckets buckets = make_buckets();

bool has_name(const Spec& spec, Bytes word, Bytes subcommand) {
  if (subcommand.empty()) return !spec.is_subcommand && is_word(word, spec.name);
  return spec.is_subcommand && spec.name.size() == word.size() + 1 + subcommand.size() &&
         spec.name[word.size()] == ' ' && is_word(word, spec.name.substr(0, word.size())) &&
         is_word(subcommand, spec.name.substr(word.size() + 1));
}

const Spec* look_up(Bytes word, Bytes subcommand) {
  for (size_t at = hash_words(word, subcommand) % bucket_count; buckets[at] != empty;
       at = (at + 1) % bucket_count) {
    if (has_name(rows[buckets[at]], word, subcommand)) return &rows[buckets[at]];
  }
  return nullptr;
}

}  // namespace

const Spec* find(std::span<const Bytes> args) {
  if (args.empty()) return nullptr;
  const Spec* spec = look_up(args[0], {});
  if (spec == nullptr || !spec->is_container || args.size() == 1) return spec;
  return args[1].empty() ? nullptr : look_up(args[0], args[1]);
}

std::span<const Spec> all() { return rows; }

}  // namespace lockstep::commands
