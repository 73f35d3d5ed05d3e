#pragma once

#include <string>
#include <variant>

#include "sync/base/bytes.h"
#include "sync/psync/replica_link.h"

namespace lockstep::psync {

// The sans-io part of the handshake: what a line of the source means.

/// Try again later: the source cannot serve a replica now.
struct NotNow {
  std::string why;
};
/// The source does not know PSYNC: fall back to SYNC.
struct UseSync {};

using PsyncAnswer = std::variant<SyncStart, NotNow, UseSync>;

/// Reads the answer to PSYNC (without CR LF). `asked` is what we asked to resume from. Throws UserError that names the cause
/// and the way out where asking again would not help (no permission, a password is wanted).
PsyncAnswer parse_psync_answer(Bytes line, const std::optional<std::pair<ReplId, Offset>>& asked, const std::string& source);

}  // namespace lockstep::psync
