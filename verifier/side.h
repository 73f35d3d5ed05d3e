#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/cluster/topology.h"
#include "sync/net/client.h"
#include "verifier/info_text.h"
#include "verifier/key_entry.h"
#include "verifier/pace.h"
#include "verifier/scope.h"

namespace lockstep::verifier {

namespace asio = boost::asio;

class RdbFile;

/// The replication offset at which a server has forked for us, and about when.
struct SnapshotPoint {
  Offset offset;
  std::chrono::steady_clock::time_point taken;
};

/// Counters by which a server shows that it was written to. A save sets some back.
struct NodeActivity {
  std::string run_id;
  std::string state;              ///< another one after any write and any save
  uint64_t changes = 0;           ///< since the last save
  std::optional<uint64_t> saves;  ///< nullopt: the server does not count them (before 7.0)
  Offset offset;
  /// True if all that has happened between `before` and this is the save for that snapshot, and
  /// nothing was written after it.
  bool only_saved(const NodeActivity& before, const std::optional<SnapshotPoint>& snapshot) const;
};

/// A primary (or the one server named) of a side and a connection to it, or a file.
struct Node {
  Node();
  ~Node();

  net::Endpoint endpoint;  ///< of a file: only its label() has a meaning
  std::unique_ptr<net::Client> client;
  std::unique_ptr<RdbFile> file;  ///< nullptr: a server
  Pace pace;
  std::string run_id;
  std::string version;
  std::string valkey_version;  ///< empty: Redis or another
  uint32_t version_number = 0;
  std::vector<DbKeys> databases;          ///< when it was opened
  int64_t clock_offset_ms = 0;            ///< its clock minus ours
  uint64_t evicted_keys = 0;              ///< since its statistics began, as last asked
  std::string maxmemory_policy;           ///< empty: the server does not say
  std::optional<SnapshotPoint> snapshot;  ///< the last one that was taken of it
};

/// One deployment: its primaries, who serves which key, and requests to all of them.
class Side {
 public:
  /// At most so many commands a second to all its nodes together; 0: no limit.
  explicit Side(SideName name, uint64_t commands_per_s = 0)
      : name_(name), commands_per_s_(commands_per_s) {}

  /// `urls` may be RDB files, "file:dump.rdb". Finds the primaries and connects to them.
  /// `declared`: auto, standalone or cluster. Throws UserError and ConnectionError.
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
  /// Of a cluster.
  size_t owner(Slot slot) const { return owner_[slot.value]; }
  /// False for a key that clients of the cluster do not find at this node, unless its slot is on
  /// the move.
  bool serves(size_t node, Bytes key) const;
  /// Its slot was half moved from one node of the cluster to another when that was last asked.
  bool on_the_move(Bytes key) const;

  /// The node with this label.
  std::optional<size_t> find(const std::string& label) const;
  /// A text that changes when a slot changes hands or a node takes another's place.
  const std::string& ownership() const { return ownership_; }
  /// Asks all nodes of a cluster: slots that are on the move now. Throws ConnectionError if a slot
  /// has changed hands since the topology was learnt.
  asio::awaitable<std::vector<Slot>> moving_slots();
  /// False if the node of a cluster owns none of the slots.
  bool owns_any(size_t node, const SlotSet& slots) const;

  /// Waits as the pace of that node says before so many commands are sent to it.
  asio::awaitable<void> await_turn(size_t node, size_t commands);

  /// INFO of each node; where a connection has broken all are made anew. Empty for a file. Throws
  /// ConnectionError when a node stays away.
  asio::awaitable<std::vector<std::string>> ask_info();
  /// What tells whether anything was written, by node. Costs one INFO each.
  asio::awaitable<std::vector<NodeActivity>> activity();
  /// Asks all nodes again what they have evicted.
  asio::awaitable<void> look_for_evictions();
  /// This side's clock now, as the node's.
  int64_t now_ms(size_t node) const;

 private:
  asio::awaitable<std::unique_ptr<Node>> connect(net::Endpoint endpoint);
  void open_files();
  void share_pace();
  bool of_files() const { return !nodes_.empty() && nodes_.front()->file != nullptr; }
  asio::awaitable<void> learn_moving();
  asio::awaitable<void> adopt(cluster::Topology topology);
  asio::awaitable<void> refresh_from(net::Endpoint endpoint);

  SideName name_;
  uint64_t commands_per_s_ = 0;
  std::vector<std::string> urls_;
  std::vector<net::Endpoint> asked_;
  cluster::Topology topology_;
  std::string ownership_;
  std::array<size_t, slot_count> owner_{};    ///< of a cluster: index of the node
  std::vector<std::unique_ptr<Node>> nodes_;  ///< of a cluster: as the topology's shards
};

/// Throws UserError (bad_arguments) if a server is on both sides, or twice on one.
void require_distinct(const Side& source, const Side& target);

}  // namespace lockstep::verifier
