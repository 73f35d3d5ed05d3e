#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "sync/base/bytes.h"
#include "sync/psync/sync_start.h"
#include "sync/resp/value.h"

namespace lockstep::psync {

// The sans-io part of the handshake: what is asked, and what a line of the source means.

/// PSYNC as `options` want it.
std::string psync_request(const HandshakeOptions& options);
/// REPLCONF capa …, as arguments.
std::vector<std::string> capabilities(const HandshakeOptions& options);
/// REPLCONF rdb-only / rdb-channel, as arguments of one request each; none unless snapshot_only.
std::vector<std::vector<std::string>> snapshot_only_requests(const HandshakeOptions& options);
/// REPLCONF version …: the newest Valkey whose snapshots we read. Valkey 9 writes one for 8 to
/// replicas that do not say theirs, and fails if a key does not fit into it (replication.c,
/// replicaRdbVersion()). Other servers do not know the word.
std::vector<std::string> announced_version();

/// REPLCONF is advice, and older servers refuse words of it: throws only the UserError for a
/// missing permission.
void check_replconf(const resp::Value& reply, const std::string& source);

/// Try again later: the source cannot serve a replica now.
struct NotNow {
  std::string why;
};
/// The source does not know PSYNC: fall back to SYNC.
struct UseSync {};

using PsyncAnswer = std::variant<SyncStart, NotNow, UseSync>;

/// Reads the answer to PSYNC (without CR LF). `asked` is what we asked to resume from. Throws
/// UserError that names the cause and the way out where asking again would not help (no permission,
/// a password is wanted).
PsyncAnswer parse_psync_answer(Bytes line, const std::optional<std::pair<ReplId, Offset>>& asked,
                               const std::string& source);

/// What Valkey says on an rdb channel before it answers PSYNC: it holds its stream from `offset` on
/// for a second connection, the main channel, that names `client`.
struct HeldStream {
  ReplId replid;
  Offset offset;
  std::string client;  ///< id of the client that is the rdb channel
};

/// Reads "$ENDOFF:<offset> <replid> <database> <client>" (replication.c of
/// Valkey 8); nothing if the line is another one. Throws FormatError for half of one.
std::optional<HeldStream> parse_held_stream(Bytes line, const std::string& source);
/// The requests of a main channel that takes what is held. Once it is taken nothing is held any
/// more, even if the main channel is closed; otherwise Valkey keeps it for 60 s (9.1: 5 s) after
/// the end.
std::vector<std::vector<std::string>> take_held_stream(const HeldStream& held);

/// Reads an error that answers SYNC where a snapshot should begin.
NotNow parse_sync_error(Bytes line, const std::string& source);

}  // namespace lockstep::psync
