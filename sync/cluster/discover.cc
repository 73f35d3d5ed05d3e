#include "sync/cluster/discover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sync/base/error.h"

namespace lockstep::cluster {

namespace {

Topology standalone(const net::Endpoint& endpoint) {
  Topology topology;
  topology.shards.push_back({.primary = {.endpoint = endpoint},
                             .replicas = {},
                             .slots = {{Slot{0}, Slot{slot_count - 1}}}});
  return topology;
}

/// Errors that say nothing about the topology: the same node may belong to a cluster.
bool may_pass(Bytes code) {
  static constexpr std::array<Bytes, 5> codes{"BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN",
                                              "UNKILLABLE"};
  return std::ranges::find(codes, code) != codes.end();
}

}  // namespace

// CLUSTER NODES is what every version answers, with migrating slots and without the gaps of CLUSTER
// SLOTS under TLS. A server without cluster support refuses it, as does a proxy, and an old server
// does not know it.
net::asio::awaitable<Topology> discover(net::Client& client) {
  std::vector<std::string> request{"CLUSTER", "NODES"};
  const resp::Value reply = co_await client.command(std::move(request));
  if (!reply.is_error()) co_return parse_cluster_nodes(reply.text, client.endpoint());
  if (reply.error_code() == "NOPERM") {
    std::vector<std::string> slots{"CLUSTER", "SLOTS"};
    const resp::Value other = co_await client.command(std::move(slots));
    if (!other.is_error()) co_return parse_cluster_slots(other, client.endpoint());
    throw UserError(fmt::format(
        "{}: the user may not ask for the topology: {}; allow it with ACL SETUSER … +cluster|nodes",
        client.endpoint().label(), reply.text));
  }
  if (reply.error_code() == "NOAUTH" || reply.error_code() == "LOADING") {
    throw UserError(fmt::format("{}: {}", client.endpoint().label(), reply.text));
  }
  if (may_pass(reply.error_code())) {
    throw ConnectionError(fmt::format("{}: {}", client.endpoint().label(), reply.text));
  }
  co_return standalone(client.endpoint());
}

net::asio::awaitable<Topology> discover(net::Endpoint endpoint, net::ClientOptions options) {
  const auto client = co_await net::Client::connect(std::move(endpoint), options);
  co_return co_await discover(*client);
}

}  // namespace lockstep::cluster
