#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "sync/fence/fenced_key.h"
#include "sync/net/client.h"

namespace lockstep::verifier {

/// As fence::read_keys(), without the transaction and without an offset: TIME, PTTL, TIME and DUMP
/// of each key, pipelined. For servers before 7.0: INFO in a transaction counts as a write there,
/// so a fenced read would hide that nobody else writes. The expiry is exact where both TIMEs fall
/// into the same millisecond; where they do not the key is read again, and after three times the
/// expiry is right to half of what lies between them.
net::asio::awaitable<std::vector<fence::FencedKey>> read_plainly(net::Client& client, DbIndex db,
                                                                 std::vector<std::string> keys);

}  // namespace lockstep::verifier
