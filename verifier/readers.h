#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

#include "sync/base/error.h"
#include "sync/psync/replica_link.h"
#include "verifier/scope.h"
#include "verifier/side.h"
#include "verifier/snapshot_parser.h"

namespace lockstep::verifier {

enum class Transfer : uint8_t;  // see verify.h

/// What a reader has met so far; kept current while it runs.
struct ReadCounters {
  uint64_t keys = 0;
  uint64_t bytes = 0;
  uint64_t functions = 0;
  uint64_t population = 0;  ///< keys that a sample was drawn from
};

/// From where a scan of a node goes on: what comes before it has been given.
struct ScanPosition {
  DbIndex db;
  std::string cursor = "0";
  bool done = false;
};

/// The node does not give a snapshot, but may be read by SCAN.
class SnapshotRefused : public UserError {
 public:
  using UserError::UserError;
};

/// A replication link whose snapshot has been fixed at `link->start()` and not been read yet.
struct Snapshot {
  std::unique_ptr<psync::ReplicaLink> link;
};

/// Attaches to the node as a replica would. Of `transfer`, automatic is disk: the server forks now
/// and writes a file, instead of waiting for more replicas (repl-diskless-sync-delay) to serve them
/// all from one fork. Throws SnapshotRefused, ConnectionError.
asio::awaitable<Snapshot> attach_snapshot(net::Endpoint endpoint, Transfer transfer);
/// The server ended the link before it sent anything of the snapshot.
class NothingSent : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

/// Gives every key of the snapshot that is in scope. Throws FormatError, ConnectionError.
asio::awaitable<void> read_attached_snapshot(Snapshot snapshot, const Scope& scope, OnKey on_key,
                                             ReadCounters& counters);
/// Both; automatic takes a stream. What was attached last is noted in the node. Throws
/// SnapshotRefused, FormatError, ConnectionError, and UserError where a file was wanted and cannot
/// be written.
asio::awaitable<void> read_snapshot(Node& node, Transfer transfer, const Scope& scope, OnKey on_key,
                                    ReadCounters& counters);

/// A DUMP payload as a reader gives it; false if it cannot be decoded.
bool add_payload(DbIndex db, Bytes key, Bytes payload, std::optional<ExpireAt> expire_at,
                 const OnKey& on_key);

using OnName = std::function<void(DbIndex db, Bytes key)>;

/// Gives every key in scope that is there from beginning to end, some perhaps twice, read by DUMP
/// and its time to live. `on_unreadable`: its payload cannot be decoded, or the node does not serve
/// it. Begins at `position` and keeps it current; `on_page` is called after each page.
asio::awaitable<void> read_by_scan(Side& side, size_t node, const Scope& scope, OnKey on_key,
                                   OnName on_unreadable, ReadCounters& counters,
                                   ScanPosition& position, std::function<void()> on_page);

}  // namespace lockstep::verifier
