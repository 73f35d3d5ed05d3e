#pragma once

#include "sync/base/bytes.h"
#include "sync/engine/unit.h"

namespace lockstep::engine {

/// What is done about a request that the target refused.
enum class Policy : uint8_t {
  wait,     ///< LOADING, MASTERDOWN, BUSY, connection lost: wait until it answers, then settle
  reroute,  ///< MOVED, ASK, CLUSTERDOWN, TRYAGAIN, READONLY: learn the topology anew, then settle
  memory,   ///< OOM: wait until the target has memory again, then settle
  rebuild,  ///< the payload's version or type is not known there: send the value as commands
  settle,   ///< fence the keys: the source's present value is right whatever went wrong
  stop,     ///< NOAUTH, NOPERM, …: nothing we could do changes it
};
/// "Settle" is: a piece of the full copy is sent again; the keys of anything else are fenced.

/// A script used a key that it had not declared: which keys it changed on the source is not known.
bool is_undeclared_key(Bytes error);

/// A reply of 0 to this command (lower case) means that the key it needs was gone already.
bool needs_its_key(Bytes command);
/// The same of a reply with -2, or null, for one of the fields that it names.
bool needs_its_fields(Bytes command);

/// The policy for an error reply's text (without '-') to a unit of this kind.
Policy policy_for(Bytes error, UnitKind kind);

}  // namespace lockstep::engine
