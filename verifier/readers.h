#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "verifier/side.h"
#include "verifier/snapshot_parser.h"

namespace lockstep::verifier {

/// What a reader has met so far; kept current while it runs.
struct ReadCounters {
  uint64_t keys = 0;
  uint64_t bytes = 0;
  uint64_t functions = 0;
};

/// Attaches to the node as a replica would and gives every key of its snapshot. Throws UserError if
/// the node does not allow it, FormatError, ConnectionError.
asio::awaitable<void> read_snapshot(net::Endpoint endpoint, OnKey on_key, ReadCounters& counters);

using OnName = std::function<void(DbIndex db, Bytes key)>;

/// Gives every key that is there from beginning to end, some perhaps twice, read by DUMP and its
/// time to live. `on_unreadable`: its payload cannot be decoded, or the node
/// does not serve it.
asio::awaitable<void> read_by_scan(Node& node, OnKey on_key, OnName on_unreadable,
                                   ReadCounters& counters);

}  // namespace lockstep::verifier
