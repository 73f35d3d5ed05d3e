#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "sync/base/units.h"

namespace lockstep::fence {

/// One key as its source had it at one offset of its replication stream.
struct FencedKey {
  std::string key;
  std::optional<std::string> dump_payload;  ///< nullopt: the key did not exist
  std::optional<ExpireAt> expire_at;        ///< by the source's clock
  Offset offset;                            ///< value and expiry hold exactly here
};

/// How a target takes a payload.
struct RestoreForm {
  bool replace = true;  ///< RESTORE … REPLACE (3.0 on); else DEL goes before it
  bool absttl = true;   ///< RESTORE … ABSTTL (5.0 on); else the time to live is relative
  bool unlink = false;  ///< UNLINK (4.0 on) where a key must go, else DEL
};

/// Appends what makes a target hold `key` so: RESTORE, with the expiry moved by `grace`, or DEL.
/// `now_ms` is the source's clock, for targets that take relative expiries. Returns how many
/// replies the target will give.
size_t append_write(std::string& out, const FencedKey& key, const RestoreForm& form,
                    std::chrono::milliseconds grace, int64_t now_ms);

}  // namespace lockstep::fence
