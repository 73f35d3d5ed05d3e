#pragma once

#include <boost/asio/awaitable.hpp>

#include "sync/cluster/topology.h"
#include "sync/net/client.h"

namespace lockstep::cluster {

/// Asks one server for its topology: CLUSTER SHARDS/SLOTS/NODES, whichever it knows; a server with
/// cluster support disabled gives a standalone topology of itself.
net::asio::awaitable<Topology> discover(net::Client& client);
net::asio::awaitable<Topology> discover(net::Endpoint endpoint, net::ClientOptions options);
inline net::asio::awaitable<Topology> discover(net::Endpoint endpoint) {
  return discover(std::move(endpoint), net::ClientOptions());
}

}  // namespace lockstep::cluster
