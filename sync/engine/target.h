#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/cluster/topology.h"
#include "sync/engine/reply_policy.h"
#include "sync/engine/target_abilities.h"
#include "sync/engine/target_node.h"
#include "sync/engine/task_group.h"

namespace lockstep::engine {

struct TargetOptions {
  size_t outstanding_bytes_max = 4 << 20;  ///< per node, sent and not yet answered
  std::chrono::milliseconds retry_for{
      std::chrono::hours(12)};  ///< then a target that does not answer fails the task
};

/// All primaries of the target deployment: routes by slot, holds the gate that every producer
/// passes before it appends, and collects what failed until a recovery settles it.
///
/// The gate is closed while a recovery runs, while the engine is held, and while any node has its
/// bound of outstanding bytes. Producers check it once per command, before they look at anything
/// that a recovery could change.
class Target : public NodeObserver {
 public:
  Target(asio::any_io_executor executor, net::Endpoint endpoint, TargetOptions options);

  /// Learns the topology and connects to every primary.
  asio::awaitable<void> open(size_t link_count);
  /// Runs until close(): readers, writers, recoveries. Throws when the target cannot be brought
  /// back or an error's policy is stop.
  asio::awaitable<void> run();
  void close();

  bool clustered() const { return topology_.clustered; }
  const cluster::Topology& topology() const { return topology_; }
  size_t node_count() const { return nodes_.size(); }
  TargetNode& node(size_t index) { return *nodes_[index]; }
  const TargetNode& node(size_t index) const { return *nodes_[index]; }
  TargetNode& node_of(Slot slot) { return *nodes_[by_slot_[slot.value]]; }
  TargetNode& node_of_key(Bytes key);
  const TargetAbilities& abilities() const { return abilities_; }
  const std::string& version() const { return version_; }
  /// ServerInfo::release() of its first node.
  const std::string& server_release() const { return release_; }
  /// The target's clock.
  int64_t now_ms() const;

  /// True: append at will (about a buffer's worth), without awaiting. False: co_await enter()
  /// first.
  bool open_for_producers() const { return !closed_ && !recovering_ && !held_ && !congested_; }
  asio::awaitable<void> enter();
  /// Waits until nothing is outstanding, no recovery runs and no side work is done.
  asio::awaitable<void> drain();
  /// Waits until nothing of this link is outstanding or waits for its recovery.
  asio::awaitable<void> drain(uint16_t link);
  /// While this lives something is done to the target beside its nodes: drain() waits for it.
  class SideWork {
   public:
    explicit SideWork(Target& target) : target_(target) { ++target_.side_work_; }
    ~SideWork() {
      --target_.side_work_;
      target_.progress_.notify();
    }
    SideWork(const SideWork&) = delete;
    SideWork& operator=(const SideWork&) = delete;

   private:
    Target& target_;
  };
  /// drain(), but for side work: of those who do it.
  asio::awaitable<void> drain_units();
  /// This link begins anew: what it has sent is answered and counts no more.
  void forget_link(uint16_t link);
  /// Keeps producers out, for `hold` and for cut-over. Counted: release() as often.
  void hold() { ++held_; }
  void release();

  class Hold {
   public:
    explicit Hold(Target& target) : target_(target) { target_.hold(); }
    ~Hold() { target_.release(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Target& target_;
  };

  /// The offset up to which everything of this link is applied, given how far its planner is.
  Offset applied(uint16_t link, Offset settled) const;

  /// Settles failed units of one link: called by a recovery while the gate is closed, when the
  /// target answers again.
  using Settle = std::function<asio::awaitable<void>(std::vector<FailedUnit>)>;
  void set_settle(uint16_t link, Settle settle);
  /// Waiters on progress: acknowledgements, room, recoveries.
  Wake& progress() { return progress_; }

  uint64_t recoveries() const { return recoveries_; }
  uint64_t failed_units() const { return failed_units_; }
  const std::string& last_failure() const { return last_failure_; }

  void on_unit_failed(FailedUnit failed) override;
  bool doubts(const Unit& unit) const override;
  void on_unit_doubtful(FailedUnit done) override;
  void on_down(const std::string& reason) override;
  /// Somebody else has seen that it is not as it was: its nodes are looked for again, and waited
  /// for. drain() returns when that is done.
  void find_anew(const std::string& reason) { on_down(reason); }
  void on_progress() override;
  void on_congested() override { congested_ = true; }

 private:
  asio::awaitable<void> connect_nodes();
  asio::awaitable<void> learn_abilities();
  asio::awaitable<void> learn_from(net::Endpoint node, Slot slot, bool first);
  asio::awaitable<void> supervise(TargetNode& node);
  asio::awaitable<void> recover();
  asio::awaitable<void> recover_once();
  asio::awaitable<void> await_answer();
  asio::awaitable<void> refresh_topology();
  asio::awaitable<cluster::Topology> rediscover();
  void adopt(cluster::Topology topology);
  asio::awaitable<std::string> try_ready();
  bool all_idle() const;
  bool settled() const;
  void map_slots();
  void update_congestion();

  asio::any_io_executor executor_;
  net::Endpoint endpoint_;
  TargetOptions options_;
  size_t link_count_ = 0;
  cluster::Topology topology_;
  std::vector<std::unique_ptr<TargetNode>> nodes_;
  std::vector<std::unique_ptr<TargetNode>>
      retired_;  ///< no longer primaries, kept for their coroutines
  std::array<uint16_t, slot_count> by_slot_{};
  TargetAbilities abilities_;
  std::string version_;
  std::string release_;
  int64_t clock_offset_ms_ = 0;  ///< its clock minus ours
  std::map<uint16_t, Settle> settle_;
  std::vector<FailedUnit> failed_;
  std::map<uint16_t, Offset> settling_;  ///< by link: applied before what is being settled
  std::string stop_reason_;
  std::string last_failure_;
  bool reroute_ = false;
  bool recovering_ = false;
  bool congested_ = false;
  bool closed_ = false;
  int held_ = 0;
  int side_work_ = 0;
  uint64_t recoveries_ = 0;
  uint64_t failed_units_ = 0;
  Wake progress_;
  Wake recovery_wake_;
  std::unique_ptr<TaskGroup> tasks_;
};

}  // namespace lockstep::engine
