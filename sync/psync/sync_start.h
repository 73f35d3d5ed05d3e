#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "sync/base/units.h"

namespace lockstep::psync {

struct HandshakeOptions {
  /// Ask for a partial resync from the byte after this offset.
  std::optional<std::pair<ReplId, Offset>> resume = {};
  uint16_t listening_port = 0;  ///< what REPLCONF listening-port says
  bool capa_eof = true;         ///< accept a diskless transfer
  /// The link ends with its snapshot: the source keeps no stream for it (REPLCONF rdb-only, Redis
  /// 6.2 and Valkey), and its child sends the snapshot itself, so that the main thread has no part
  /// in it (REPLCONF rdb-channel, with capa_eof; Redis 8 and Valkey 8). Older sources know neither
  /// word and behave as ever.
  bool snapshot_only = false;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds reply_timeout{60000};  ///< silence (keep-alive newlines count as life)
  /// Told, once there is a connection, how to end the handshake from elsewhere: what it gets may be
  /// called until ReplicaLink::open() returns or throws.
  std::function<void(std::function<void()> end)> connected = {};
};

enum class SyncKind { full_sync, partial_sync };

/// What the source agreed to.
struct SyncStart {
  SyncKind kind = SyncKind::full_sync;
  ReplId replid;
  /// Full: the stream's first byte has offset + 1; partial: the offset we asked from.
  Offset offset;
  bool plain_sync = false;  ///< source older than PSYNC answered SYNC: replid empty, offset 0
};

}  // namespace lockstep::psync
