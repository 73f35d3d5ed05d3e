#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "sync/base/units.h"
#include "sync/net/stream.h"
#include "sync/psync/transfer.h"

namespace lockstep::psync {

struct HandshakeOptions {
  std::optional<std::pair<ReplId, Offset>> resume;   ///< ask for a partial resync from the byte after this offset
  uint16_t listening_port = 0;        ///< what REPLCONF listening-port says
  bool capa_eof = true;               ///< accept a diskless transfer
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds reply_timeout{60000};    ///< silence (keep-alive newlines count as life)
};

enum class SyncKind { full_sync, partial_sync };

/// What the source agreed to.
struct SyncStart {
  SyncKind kind = SyncKind::full_sync;
  ReplId replid;
  Offset offset;              ///< full: the stream's first byte has offset + 1; partial: the offset we asked from
  bool plain_sync = false;    ///< source older than PSYNC answered SYNC: replid empty, offset 0
};

/// A replication link to one server as its replica: connection, handshake, then raw bytes. The snapshot and the
/// stream are told apart by a Transfer that the caller feeds with what read_some() gives.
class ReplicaLink {
 public:
  virtual ~ReplicaLink() = default;
  /// Connects, AUTH, PING, REPLCONF listening-port / capa eof psync2, PSYNC or SYNC. Waits (up to reply_timeout each) through
  /// LOADING, -NOMASTERLINK and `\n` keep-alives. Throws UserError that names the missing ACL rule
  /// ("+psync +replconf") or the wrong password, ConnectionError for what may pass.
  static net::asio::awaitable<std::unique_ptr<ReplicaLink>> open(net::Endpoint source, HandshakeOptions options);

  virtual const SyncStart& start() const = 0;
  /// Bytes that follow the handshake's last line. For full_sync the "$…" header comes first.
  virtual net::asio::awaitable<size_t> read_some(net::asio::mutable_buffer buffer) = 0;
  /// REPLCONF ACK offset. May be called while read_some() is pending.
  virtual net::asio::awaitable<void> ack(Offset offset) = 0;
  virtual void close() = 0;
};

}  // namespace lockstep::psync
