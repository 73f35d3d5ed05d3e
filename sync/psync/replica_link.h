#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "sync/net/stream.h"
#include "sync/psync/sync_start.h"
#include "sync/psync/transfer.h"

namespace lockstep::psync {

/// A replication link to one server as its replica: connection, handshake, then raw bytes. The
/// snapshot and the stream are told apart by a Transfer that the caller feeds with what read_some()
/// gives.
///
/// After a diskless snapshot the source sends nothing until an ack() reaches it after it has
/// noticed, some 100 ms later, that its child has ended: one is not enough, repeat it often until
/// the stream begins, then once a second (without any the source drops the link after its
/// repl-timeout).
class ReplicaLink {
 public:
  virtual ~ReplicaLink() = default;
  /// Connects, AUTH, PING, REPLCONF listening-port / capa eof psync2, PSYNC or SYNC. Waits (up to
  /// reply_timeout each) through LOADING, -NOMASTERLINK and `\n` keep-alives. Throws UserError that
  /// names the missing ACL rule
  /// ("+psync +replconf") or the wrong password, ConnectionError for what may pass.
  static net::asio::awaitable<std::unique_ptr<ReplicaLink>> open(net::Endpoint source,
                                                                 HandshakeOptions options);

  virtual const SyncStart& start() const = 0;
  /// Bytes that follow the handshake's last line. For full_sync the "$…" header comes first.
  /// ConnectionError when the source is silent for reply_timeout; time in which nobody reads does
  /// not count.
  virtual net::asio::awaitable<size_t> read_some(net::asio::mutable_buffer buffer) = 0;
  /// REPLCONF ACK offset. May be called while read_some() is pending.
  virtual net::asio::awaitable<void> ack(Offset offset) = 0;
  virtual void close() = 0;
};

}  // namespace lockstep::psync
