#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sync/base/units.h"
#include "sync/net/client.h"

namespace lockstep::fence {

/// One key as its source had it at one offset of its replication stream.
struct FencedKey {
  std::string key;
  std::optional<std::string> dump_payload;   ///< nullopt: the key did not exist
  std::optional<ExpireAt> expire_at;         ///< by the source's clock
  Offset offset;                             ///< value and expiry hold exactly here
};

/// How a target takes a payload.
struct RestoreForm {
  bool replace = true;   ///< RESTORE … REPLACE (3.0 on); else DEL goes before it
  bool absttl = true;    ///< RESTORE … ABSTTL (5.0 on); else the time to live is relative
};

/// Reads keys from the node that owns them:
///
///     MULTI · TIME · PTTL k · DUMP k · INFO replication · EXEC        for each key, pipelined
///
/// The transaction makes value, expiry and offset one observation. The expiry is TIME + PTTL: within a transaction both are
/// of one clock reading (exact to the millisecond from 7.0 on, where the clock stands still in a transaction; within a
/// millisecond or so before). Replies are bounded by reading a few keys at a time. Throws ConnectionError, or UserError when
/// the source refuses (no permission: names the command).
net::asio::awaitable<std::vector<FencedKey>> read_keys(net::Client& source, DbIndex db, std::vector<std::string> keys);

/// Appends what makes a target hold `key` so: RESTORE, with the expiry moved by `grace`, or DEL. `now_ms` is the source's clock, for
/// targets that take relative expiries. Returns how many replies the target will give.
size_t append_write(std::string& out, const FencedKey& key, const RestoreForm& form, std::chrono::milliseconds grace, int64_t now_ms);

}  // namespace lockstep::fence
