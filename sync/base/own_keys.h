#pragma once

#include "sync/base/bytes.h"

namespace lockstep {

/// Keys that Lockstep itself writes to a source or a target begin so: markers, checkpoints. In a
/// cluster a hash tag follows it.
inline constexpr Bytes own_key_prefix = "lockstep:";
/// The heartbeat of managed sync services, which ours is named like by default.
inline constexpr Bytes heartbeat_key = "DTS_REDIS_TIMESTAMP_HEARTBEAT";

/// True for a key that belongs to no user: it is copied as any other, and never a difference.
inline bool is_own_key(Bytes key) {
  return key.starts_with(own_key_prefix) || key == heartbeat_key;
}

}  // namespace lockstep
