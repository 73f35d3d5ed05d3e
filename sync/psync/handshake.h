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

/// Reads an error that answers SYNC where a snapshot should begin.
NotNow parse_sync_error(Bytes line, const std::string& source);

}  // namespace lockstep::psync
