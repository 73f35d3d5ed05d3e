#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sync/fence/fenced_key.h"
#include "sync/net/client.h"

namespace lockstep::verifier {

/// Keys of one node and database, all as they were at one offset:
///
///     INFO replication · DUMP k1 · PEXPIRETIME k1 · DUMP k2 · … · INFO replication
///
/// nullopt if something was written between the two INFOs, or anything was refused: whoever reads
/// the keys one by one will tell. For servers from 7.0 on. The connection is left in database 0.
/// Throws ConnectionError.
net::asio::awaitable<std::optional<std::vector<fence::FencedKey>>> read_at_one_offset(
    net::Client& client, DbIndex db, std::vector<std::string> keys);

}  // namespace lockstep::verifier
