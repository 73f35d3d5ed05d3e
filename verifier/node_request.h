#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "verifier/side.h"

namespace lockstep::verifier {

/// Its reply; of errors only WRONGTYPE. Throws UserError for what the user may not do or the server
/// does not know, SlotOnTheMove, and ConnectionError for the rest: elsewhere, or not now.
asio::awaitable<resp::Value> ask(Side& side, size_t node, std::vector<std::string> words);
/// Throws what ask() throws if the reply is an error.
void require_no_error(Side& side, size_t node, Bytes command, const resp::Value& reply);

/// A connection is in database 0 when nobody uses it.
asio::awaitable<void> select(Side& side, size_t node, DbIndex from, DbIndex to);
/// After a reading that was left in the middle: every connection of those that may hold the key is
/// in database 0 again.
asio::awaitable<void> leave_database(Side& side, std::string key, DbIndex db);

}  // namespace lockstep::verifier
