#pragma once

#include <boost/asio/awaitable.hpp>
#include <set>
#include <string>

#include "sync/fence/fenced_key.h"
#include "verifier/side.h"

namespace lockstep::verifier {

// A key at a node of a cluster that does not own its slot is reached by no ordinary command. For a
// moment its slot is marked as if it were moving to that node:
//
//     CLUSTER SETSLOT n IMPORTING owner · ASKING · command · CLUSTER SETSLOT n STABLE
//
// Clients notice nothing of it, since the owner redirects nobody. A node refuses the first command
// if it owns the slot, so that a copy that has become the right one meanwhile is not touched. All
// throw ConnectionError, and UserError that says what the node refuses.

/// The names of the keys that the node has in that slot, in database 0, whoever owns the slot.
asio::awaitable<std::set<std::string>> names_in_slot(Node& node, Slot slot);
/// What the node holds of the key.
asio::awaitable<fence::FencedKey> read_stray(Side& side, size_t node, std::string key);
/// Makes the node hold the key so; without a payload it goes.
asio::awaitable<void> write_stray(Side& side, size_t node, fence::FencedKey key);

}  // namespace lockstep::verifier
