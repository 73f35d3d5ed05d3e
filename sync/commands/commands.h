#pragma once

#include <cstdint>
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

struct Spec {
  Bytes name;  ///< lower case; a container's subcommand as "xgroup create"
  bool write = false;
  Scope scope = Scope::keys;
  Split split = Split::none;
  bool script_call = false;  ///< EVAL, EVALSHA, FCALL: keys are only what was declared
  /// The owner of this module adds how keys are found and when the command is replay-safe.
};

/// A key of a command: index into its arguments, and whether the command may write it.
struct KeyRef {
  uint32_t argument = 0;
  bool written = false;
  friend bool operator==(const KeyRef&, const KeyRef&) = default;
};

/// The table's row for a request (name in any case; subcommand looked up too); nullptr: unknown.
const Spec* find(std::span<const Bytes> args);
/// Finds the keys of a request into `keys` (cleared first), in argument order. False: the arguments
/// do not have the command's form, so its keys cannot be learnt.
bool find_keys(const Spec& spec, std::span<const Bytes> args, std::vector<KeyRef>& keys);
/// True if applying the request twice in a row, or again after later writes that are replayed as well,
/// leaves the same data: absolute effects. False for INCR, APPEND, pushes, pops, RENAME, scripts and
/// conditional forms (NX, XX, GT, LT, …).
bool replay_safe(const Spec& spec, std::span<const Bytes> args);
/// All rows, for tests and documentation.
std::span<const Spec> all();

/// How expiries are written to the target.
struct ExpiryRewrite {
  int64_t now_ms = 0;     ///< the source's clock when the command reached us, for relative forms
  int64_t grace_ms = 0;   ///< added to each expiry
};
/// If the request sets a key's expiry (SET EX/PX/EXAT/PXAT, SETEX, PSETEX, GETEX, EXPIRE, PEXPIRE,
/// EXPIREAT, PEXPIREAT, RESTORE with a ttl), appends to `out` the same request with an absolute
/// expiry moved by the grace, in a form every server since 2.8 that knows the original understands (EXPIRE →
/// PEXPIREAT; SETEX → SET … PX is relative: see the .cc file for each), and returns true. Otherwise
/// leaves `out` alone and returns false: the request is forwarded as it is.
bool rewrite_expiry(const Spec& spec, std::span<const Bytes> args, const ExpiryRewrite& rewrite,
                    std::string& out);

}  // namespace lockstep::commands
