#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "sync/cluster/topology.h"
#include "sync/net/client.h"
#include "verifier/info_text.h"
#include "verifier/key_entry.h"

namespace lockstep::verifier {

namespace asio = boost::asio;

/// A primary (or the one server named) of a side, and a connection to it.
struct Node {
  net::Endpoint endpoint;
  std::unique_ptr<net::Client> client;
  std::string run_id;
  std::string version;
  std::string valkey_version;  ///< empty: Redis or another
  uint32_t version_number = 0;
  std::vector<DbKeys> databases;  ///< when it was opened
  int64_t clock_offset_ms = 0;    ///< its clock minus ours
};

/// One deployment: its primaries, who serves which key, and requests to all of them.
class Side {
 public:
  explicit Side(SideName name) : name_(name) {}

  /// Finds the primaries and connects to them. `declared`: auto, standalone or cluster. Throws
  /// UserError and ConnectionError.
  asio::awaitable<void> open(std::vector<std::string> urls, std::string declared);
  /// Learns a cluster's topology again and connects anew. Throws ConnectionError if no node
  /// answers.
  asio::awaitable<void> refresh();

  SideName name() const { return name_; }
  const char* title() const { return name_ == SideName::source ? "source" : "target"; }
  bool clustered() const { return topology_.clustered; }
  size_t node_count() const { return nodes_.size(); }
  Node& node(size_t index) { return *nodes_[index]; }
  const Node& node(size_t index) const { return *nodes_[index]; }
  uint64_t keys_at_open() const;
  /// Throws UserError (bad_arguments) if a server was named twice.
  void require_distinct() const;

  /// The nodes to ask for a key: its owner, or all behind a Twemproxy, whose hashing is its own.
  std::vector<size_t> holders(Bytes key) const;
  /// False for a key that clients of the cluster do not find at this node, unless its slot is on
  /// the move.
  bool serves(size_t node, Bytes key) const;

  /// A text that changes whenever anything is written on any node. Costs one INFO each.
  asio::awaitable<std::string> activity();
  /// This side's clock now, as the node's.
  int64_t now_ms(size_t node) const;

 private:
  asio::awaitable<std::unique_ptr<Node>> connect(net::Endpoint endpoint);
  asio::awaitable<void> adopt(cluster::Topology topology);
  asio::awaitable<void> refresh_from(net::Endpoint endpoint);

  SideName name_;
  std::vector<net::Endpoint> asked_;
  cluster::Topology topology_;
  std::array<size_t, slot_count> owner_{};    ///< of a cluster: index of the node
  std::vector<std::unique_ptr<Node>> nodes_;  ///< of a cluster: as the topology's shards
};

/// Throws UserError (bad_arguments) if a server is on both sides, or twice on one.
void require_distinct(const Side& source, const Side& target);

}  // namespace lockstep::verifier
