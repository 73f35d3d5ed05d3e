#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sync/base/bytes.h"
#include "sync/base/units.h"

namespace lockstep::commands {

/// How a command whose keys lie in different slots can be sent to a cluster.
enum class Split : uint8_t {
  none,      ///< not at all: the written keys are fenced
  per_key,   ///< DEL, UNLINK, TOUCH: one command for the keys of each slot
  per_pair,  ///< MSET: key value pairs by slot
};

/// What a command without keys is about, and so where it must go.
enum class Scope : uint8_t {
  keys,         ///< touches the keys it names
  flush,        ///< FLUSHALL, FLUSHDB, SWAPDB
  script,       ///< SCRIPT LOAD/FLUSH, FUNCTION …: every primary, once
  publish,      ///< PUBLISH, SPUBLISH
  transaction,  ///< MULTI, EXEC, DISCARD
  select,       ///< SELECT
  replication,  ///< PING, REPLCONF: part of the stream, nothing to apply
  other,        ///< anything else without keys
};

/// One rule for finding keys among the arguments. Argument 0 is the command's name.
struct KeyRule {
  enum class Find : uint8_t {
    none,
    range,    ///< first, first + step, … up to last; last < 0 counts from the end, -1 the last
              ///< argument
    counted,  ///< a number of keys, at least `last`, at `first`, then the keys, each `step` apart
    sort_store,  ///< SORT: the argument after the last STORE at or after `first`
    geo_store,   ///< GEORADIUS: the same with STORE or STOREDIST
    streams,     ///< options from `first`, the word STREAMS, keys, then as many ids
    migrated,    ///< MIGRATE: argument 3, or if that is empty all after the word KEYS
    stralgo,     ///< STRALGO LCS: two after the word KEYS
  };
  Find find = Find::none;
  bool written = false;
  uint8_t first = 0;
  int8_t last = 0;
  uint8_t step = 1;
};

/// What becomes of a command that is applied a second time (see replay()). The last ones depend on
/// its options.
enum class Replay : uint8_t {
  exact,
  expiry,
  fence,
  set,
  msetex,
  restore,
  zadd,
  bitfield,
  xadd,
  xdel,
  hsetex
};

/// Which form of expiry a command sets on its key (see rewrite_expiry()).
enum class Expiry : uint8_t {
  none,
  set,        ///< EX, PX, EXAT or PXAT among the options
  msetex,     ///< the same
  getex,      ///< the same
  setex,      ///< seconds from now before the value
  psetex,     ///< milliseconds from now before the value
  expire,     ///< seconds from now
  pexpire,    ///< milliseconds from now
  expireat,   ///< Unix time in seconds
  pexpireat,  ///< Unix time in milliseconds
  restore,    ///< the ttl of RESTORE, absolute with ABSTTL
};

/// A row of the table. Rows live for ever and may be compared by address.
struct Spec {
  Bytes name;  ///< lower case; a container's subcommand as "xgroup create"
  bool write = false;
  Scope scope = Scope::keys;
  Split split = Split::none;
  bool script_call = false;    ///< EVAL, EVALSHA, FCALL: keys are only what was declared
  bool is_container = false;   ///< XGROUP, SCRIPT, …: the next argument is part of the name
  bool is_subcommand = false;  ///< the name is two words
  int8_t arity = -1;           ///< arguments including the name; negative: at least so many
  std::array<KeyRule, 2> keys = {};
  Replay replay = Replay::fence;
  Expiry expiry = Expiry::none;
};

/// A key of a command: index into its arguments, and whether the command may write it. PFCOUNT
/// counts as writing (it renews a cached cardinality, and appears in the stream for that), although
/// its Spec is not a write.
struct KeyRef {
  uint32_t argument = 0;
  bool written = false;
  friend bool operator==(const KeyRef&, const KeyRef&) = default;
};

/// The table's row for a request (name in any case; subcommand looked up too); nullptr: unknown. A
/// container alone, without its subcommand, is found as well. Does not allocate.
const Spec* find(std::span<const Bytes> args);
/// All rows, for tests and documentation.
std::span<const Spec> all();

/// Finds the keys of a request into `keys` (cleared first), in argument order. False: the arguments
/// do not have the command's form, so its keys cannot be learnt.
bool find_keys(const Spec& spec, std::span<const Bytes> args, std::vector<KeyRef>& keys);

/// The database other than the selected one that a command names and writes to: MOVE's, and COPY's
/// with DB; nullopt for any other command. The keys that it writes there have the same names.
std::optional<DbIndex> other_database(const Spec& spec, std::span<const Bytes> args);

/// The key of a command that always has exactly one, which is most of them; nullopt for any other
/// command and for arguments that do not have its form.
inline std::optional<KeyRef> single_key(const Spec& spec, std::span<const Bytes> args) {
  const KeyRule& rule = spec.keys[0];
  const size_t arity = static_cast<size_t>(spec.arity < 0 ? -spec.arity : spec.arity);
  const bool single = rule.find == KeyRule::Find::range && rule.last == rule.first &&
                      spec.keys[1].find == KeyRule::Find::none;
  if (!single || args.size() < arity || (spec.arity > 0 && args.size() != arity)) return {};
  if (rule.first >= args.size()) return {};
  return KeyRef{rule.first, rule.written};
}

/// Receives one part of a split request. The arguments are views into those of the whole.
using SplitSink = std::function<void(Slot, std::span<const Bytes> args)>;
/// Divides a request by the slots of its keys, in the order of slots; within a slot the order of
/// the keys is kept. False, with nothing emitted: the command cannot be split, or does not have its
/// form.
bool split_by_slot(const Spec& spec, std::span<const Bytes> args, Slot (*slot_of)(Bytes),
                   const SplitSink& sink);

/// What it takes to apply a request again, because nobody knows whether it was applied already,
/// when everything after it is applied again as well. One of
///
///     exact   apply it: the data end up the same
///     expiry  apply it: values end up the same, perhaps not when keys expire: read that again
///     fence   read its written keys again
Replay replay(const Spec& spec, std::span<const Bytes> args);
/// replay() is exact: SET, HSET, SADD, DEL, ZADD, … False for INCR, APPEND, pushes, pops, RENAME,
/// scripts, conditional forms (NX, XX, GT, LT, …) and for whatever acts only on something that must
/// exist (EXPIRE, PERSIST, …): see README.md for the proof of the rule.
inline bool replay_safe(const Spec& spec, std::span<const Bytes> args) {
  return replay(spec, args) == Replay::exact;
}

/// How expiries are written to the target.
struct ExpiryRewrite {
  int64_t now_ms = 0;    ///< the source's clock when the command reached us, for relative forms
  int64_t grace_ms = 0;  ///< added to each expiry
  /// The target is Redis 6.2 or later, or Valkey: it knows SET … PXAT and RESTORE … ABSTTL.
  /// Otherwise those become a relative form, which counts from the target's clock, followed by
  /// PEXPIREAT.
  bool target_supports_pxat = false;
};
/// If the request sets the expiry of keys (SET EX/PX/EXAT/PXAT, SETEX, PSETEX, GETEX, EXPIRE,
/// PEXPIRE, EXPIREAT, PEXPIREAT, RESTORE with a ttl, MSETEX), appends to `out` what to send
/// instead, with an absolute expiry moved by the grace, and returns the number of commands
/// appended: 1 or 2, each with one reply. Otherwise leaves `out` alone and returns 0: the request
/// is forwarded as it is. Expiries of hash fields are left as they are.
size_t rewrite_expiry(const Spec& spec, std::span<const Bytes> args, const ExpiryRewrite& rewrite,
                      std::string& out);

}  // namespace lockstep::commands
