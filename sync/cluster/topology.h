#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/base/units.h"
#include "sync/net/endpoint.h"
#include "sync/resp/value.h"

namespace lockstep::cluster {

struct Node {
  std::string id;
  net::Endpoint endpoint;  ///< login and TLS of the endpoint that was asked
  bool primary = true;
  std::string primary_id;  ///< of a replica
  bool healthy = true;     ///< not fail, not handshake, link up
  friend bool operator==(const Node&, const Node&) = default;
};

/// One shard: its primary, its replicas and the slots it owns.
struct Shard {
  Node primary;
  std::vector<Node> replicas;
  std::vector<std::pair<Slot, Slot>> slots;  ///< closed ranges, sorted
};

/// Who owns which slot. A standalone server is a topology of one shard with all slots and
/// `clustered` false.
struct Topology {
  bool clustered = false;
  std::vector<Shard> shards;    ///< only shards that own slots, sorted by first slot
  std::vector<Slot> migrating;  ///< slots marked importing or migrating by any node asked

  /// Index into shards; nullopt: uncovered.
  std::optional<size_t> shard_of(Slot slot) const;
  /// Closed ranges nobody owns; empty if covered.
  std::vector<std::pair<Slot, Slot>> uncovered() const;
};

/// Parses replies (sans-io). `asked` supplies login, TLS and the host where the reply leaves it
/// empty. Hostnames (announce-hostname), IPv6, "?" and `[slot->-node]` marks are understood. Throws
/// FormatError.
Topology parse_cluster_nodes(const std::string& text, const net::Endpoint& asked);
Topology parse_cluster_slots(const resp::Value& reply, const net::Endpoint& asked);
Topology parse_cluster_shards(const resp::Value& reply, const net::Endpoint& asked);

/// "MOVED 3999 127.0.0.1:6381" and ASK.
struct Redirect {
  bool ask = false;
  Slot slot;
  std::string host;  ///< empty: the node that answered
  uint16_t port = 0;
};
std::optional<Redirect> parse_redirect(Bytes error);

}  // namespace lockstep::cluster
