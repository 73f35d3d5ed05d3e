#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "sync/base/error.h"
#include "sync/cluster/topology.h"
#include "sync/fence/fenced_key.h"
#include "sync/net/client.h"

namespace lockstep::fence {

/// The key belongs to another node by now: ask that one.
class KeyMoved : public ConnectionError {
 public:
  KeyMoved(const std::string& message, cluster::Redirect redirect)
      : ConnectionError(message), redirect_(std::move(redirect)) {}
  const cluster::Redirect& redirect() const { return redirect_; }

 private:
  cluster::Redirect redirect_;
};

/// The server is out of memory, and refuses both transaction and script; it still serves plain
/// reads.
class SourceFull : public UserError {
 public:
  using UserError::UserError;
};

/// Reads keys from the primary that owns them, each in a transaction of its own, pipelined:
///
///     MULTI · PEXPIRETIME k · DUMP k · INFO replication · EXEC         7.0 on
///     MULTI · TIME · PTTL k · TIME · DUMP k · INFO replication · EXEC  before
///
/// The transaction makes value, expiry and offset one observation. A server that is out of memory
/// queues no transaction: a script (EVAL) with the same commands is the same observation.
/// Before 7.0 the expiry is PTTL plus the time at which the server computed it, which is known
/// exactly when both TIMEs fall into the same millisecond; where they do not, the key is read
/// again, and after three times the latest possible expiry is taken.
///
/// The offset is that of the stream which this server sends to its replicas. A replica may be asked
/// too, with one reservation: it shows a key whose time is over as absent before its primary has
/// said so, and the primary may have renewed it. Without a replica attached the offset of a server
/// means nothing.
///
/// The result holds all payloads. Stops, with a prefix of `keys` but at least one, after the batch
/// in which the payloads pass `bytes_max`. Payloads seen determine how many keys go into the next
/// batch, so that replies on their way stay near 32 MB unless a single key is larger.
///
/// Throws KeyMoved, ConnectionError (also for LOADING, CLUSTERDOWN and whatever else may pass), or
/// UserError when the source refuses (no permission: names the rule; SourceFull). The connection is
/// left in database 0 unless it is broken.
net::asio::awaitable<std::vector<FencedKey>> read_keys(net::Client& source, DbIndex db,
                                                       std::vector<std::string> keys,
                                                       size_t bytes_max = SIZE_MAX);

}  // namespace lockstep::fence
