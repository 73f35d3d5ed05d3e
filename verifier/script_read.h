#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "sync/fence/fenced_key.h"
#include "sync/net/client.h"

namespace lockstep::verifier {

/// As fence::read_keys(), each key by a script of its own, for servers before 7.0. A transaction
/// with INFO in it is replicated there as an empty MULTI, so that INFO names an offset inside of
/// it; a script that only reads leaves no trace in the stream, and the offset is that of a boundary
/// of commands. Throws KeyMoved, ConnectionError, and UserError where EVAL is not allowed.
net::asio::awaitable<std::vector<fence::FencedKey>> read_by_script(net::Client& client, DbIndex db,
                                                                   std::vector<std::string> keys);

}  // namespace lockstep::verifier
