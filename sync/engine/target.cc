#include "sync/engine/target.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "sync/base/error.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"
#include "sync/engine/clock.h"
#include "sync/engine/server_info.h"
#include "sync/engine/written_keys.h"

namespace lockstep::engine {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds retry_pause_min{50};
constexpr milliseconds retry_pause_max{2000};

}  // namespace

Target::Target(asio::any_io_executor executor, net::Endpoint endpoint, TargetOptions options)
    : executor_(executor),
      endpoint_(std::move(endpoint)),
      options_(options),
      progress_(executor),
      recovery_wake_(executor) {}

asio::awaitable<void> Target::open(size_t link_count) {
  link_count_ = link_count;
  topology_ = co_await cluster::discover(endpoint_);
  co_await connect_nodes();
  co_await learn_abilities();
}

asio::awaitable<void> Target::connect_nodes() {
  for (const cluster::Shard& shard : topology_.shards) {
    nodes_.push_back(std::make_unique<TargetNode>(executor_, shard.primary.endpoint, link_count_,
                                                  options_.outstanding_bytes_max, *this));
    co_await nodes_.back()->revive();
  }
  map_slots();
}

void Target::map_slots() {
  by_slot_.fill(0);
  for (size_t shard = 0; shard < topology_.shards.size(); ++shard) {
    for (const auto& [first, last] : topology_.shards[shard].slots) {
      for (int slot = first.value; slot <= last.value; ++slot)
        by_slot_[slot] = static_cast<uint16_t>(shard);
    }
  }
}

asio::awaitable<void> Target::learn_abilities() {
  for (size_t shard = 0; shard < topology_.shards.size(); ++shard) {
    const auto& slots = topology_.shards[shard].slots;
    const Slot slot = slots.empty() ? Slot{0} : slots.front().first;
    co_await learn_from(nodes_[shard]->endpoint(), slot, shard == 0);
  }
}

asio::awaitable<void> Target::learn_from(net::Endpoint node, Slot slot, bool first) {
  const auto client = co_await net::Client::connect(std::move(node));
  const TargetAbilities found = co_await probe_abilities(*client, probe_key(slot));
  abilities_ = first ? found : common_abilities(abilities_, found);
  if (!first) co_return;
  const ServerInfo info = co_await read_server_info(*client);
  version_ = info.version;
  release_ = info.release();
  std::vector<std::string> request{"TIME"};
  const int64_t before = clock_ms();
  const resp::Value time = co_await client->command(std::move(request));
  if (time.items.size() != 2) co_return;  // taken to agree with ours
  const int64_t theirs =
      std::stoll(time.items[0].text) * 1000 + std::stoll(time.items[1].text) / 1000;
  clock_offset_ms_ = theirs - (before + clock_ms()) / 2;
}

int64_t Target::now_ms() const { return clock_ms() + clock_offset_ms_; }

TargetNode& Target::node_of_key(Bytes key) {
  return topology_.clustered ? node_of(cluster::slot_of(key)) : *nodes_.front();
}

asio::awaitable<void> Target::run() {
  tasks_ = std::make_unique<TaskGroup>(executor_, [this] { close(); });
  for (size_t index = 0; index < nodes_.size(); ++index) tasks_->spawn(supervise(*nodes_[index]));
  tasks_->spawn(recover());
  co_await tasks_->join();
}

asio::awaitable<void> Target::supervise(TargetNode& node) {
  TaskGroup pair(executor_, [] {});
  pair.spawn(node.read_replies());
  pair.spawn(node.write_requests());
  co_await pair.join();
}

void Target::close() {
  closed_ = true;
  for (auto& node : nodes_) node->close();
  progress_.notify();
  recovery_wake_.notify();
}

asio::awaitable<void> Target::enter() {
  while (!open_for_producers()) {
    if (closed_) throw Closed("the target was closed");
    co_await progress_.wait();
  }
}

void Target::release() {
  LOCKSTEP_ASSERT(held_ > 0);
  --held_;
  progress_.notify();
}

bool Target::all_idle() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->idle(); });
}

// A node that went down while this was settled has to be revived too, though nothing was lost.
bool Target::settled() const {
  return failed_.empty() &&
         std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->up(); });
}

asio::awaitable<void> Target::drain() {
  while (recovering_ || side_work_ > 0 || !all_idle()) {
    if (closed_) throw Closed("the target was closed");
    co_await progress_.wait();
  }
}

asio::awaitable<void> Target::drain_units() {
  while (recovering_ || !all_idle()) {
    if (closed_) throw Closed("the target was closed");
    co_await progress_.wait();
  }
}

void Target::forget_link(uint16_t link) {
  for (auto& node : nodes_) node->forget_link(link);
}

asio::awaitable<void> Target::drain(uint16_t link) {
  const auto outstanding = [&] {
    return std::any_of(nodes_.begin(), nodes_.end(),
                       [&](const auto& node) { return node->outstanding(link); });
  };
  while (recovering_ || outstanding()) {
    if (closed_) throw Closed("the target was closed");
    co_await progress_.wait();
  }
}

Offset Target::applied(uint16_t link, Offset settled) const {
  Offset applied = settled;
  for (const auto& node : nodes_) {
    if (node->outstanding(link)) applied = std::min(applied, node->acked(link));
  }
  for (const FailedUnit& failed : failed_) {
    if (failed.unit.link == link) applied = std::min(applied, failed.unit.end + (-1));
  }
  const auto settling = settling_.find(link);
  return settling == settling_.end() ? applied : std::min(applied, settling->second);
}

void Target::set_settle(uint16_t link, Settle settle) { settle_[link] = std::move(settle); }

void Target::update_congestion() {
  congested_ =
      std::any_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->congested(); });
}

void Target::on_progress() {
  update_congestion();
  progress_.notify();
}

void Target::on_unit_failed(FailedUnit failed) {
  ++failed_units_;
  const Policy policy = policy_for(failed.error, failed.unit.kind);
  if (!recovering_ || failed.error != last_failure_) {
    const Bytes request(failed.request);
    spdlog::warn("target refused a request: {} ({} at source offset {})", failed.error,
                 printable(request, 100), failed.unit.end.value);
  }
  last_failure_ = failed.error;
  if (policy == Policy::stop && stop_reason_.empty()) {
    stop_reason_ = fmt::format("the target refused {} at source offset {}: {}",
                               printable(failed.request, 160), failed.unit.end.value, failed.error);
    if (is_undeclared_key(failed.error))
      stop_reason_ +=
          ": the script uses keys that it does not declare, so what it changed cannot be learnt. "
          "Declare them, or let the source replicate effects (lua-replicate-commands yes, or "
          "redis.replicate_commands() in the script)";
  }
  reroute_ = reroute_ || policy == Policy::reroute || policy == Policy::wait;
  recovering_ = true;
  failed_.push_back(std::move(failed));
  recovery_wake_.notify();
}

// What was under way behind a refused request was done on keys that lack its effect: that is only
// wrong where a command carries something from one key to another (SMOVE, SUNIONSTORE, RENAME, …).
bool Target::doubts(const Unit& unit) const {
  return recovering_ && (unit.kind == UnitKind::command || unit.kind == UnitKind::transaction);
}

void Target::on_unit_doubtful(FailedUnit done) {
  if (!joins_keys(done.request)) return;
  done.error = "DOUBTFUL it may have read what a refused request should have written";
  failed_.push_back(std::move(done));
}

void Target::on_down(const std::string& reason) {
  last_failure_ = reason;
  reroute_ = true;
  recovering_ = true;
  spdlog::warn("lost the target {}", reason);
  recovery_wake_.notify();
}

asio::awaitable<void> Target::recover() {
  while (!closed_) {
    if (!recovering_) {
      co_await recovery_wake_.wait();
      continue;
    }
    ++recoveries_;
    co_await recover_once();
  }
}

asio::awaitable<void> Target::recover_once() {
  milliseconds pause = retry_pause_min;
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  do {
    if (!stop_reason_.empty()) throw UserError(stop_reason_);
    while (!closed_ && !all_idle()) co_await progress_.wait();
    if (std::chrono::steady_clock::now() > deadline) {
      throw UserError(fmt::format("the target did not recover within {}: {}",
                                  format_duration(options_.retry_for), last_failure_));
    }
    if (!stop_reason_.empty()) throw UserError(stop_reason_);
    co_await await_answer();
    std::map<uint16_t, std::vector<FailedUnit>> by_link;
    for (FailedUnit& failed : std::exchange(failed_, {})) {
      const Offset before = failed.unit.end + (-1);
      Offset& settling = settling_.emplace(failed.unit.link, before).first->second;
      settling = std::min(settling, before);
      by_link[failed.unit.link].push_back(std::move(failed));
    }
    for (auto& [link, units] : by_link) co_await settle_.at(link)(std::move(units));
    while (!closed_ && !all_idle()) co_await progress_.wait();
    if (!settled()) {
      co_await pause_for(executor_, pause);
      pause = std::min(pause * 2, retry_pause_max);
    }
  } while (!closed_ && !settled());
  settling_.clear();
  recovering_ = false;
  progress_.notify();
}

asio::awaitable<void> Target::await_answer() {
  milliseconds pause = retry_pause_min;
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  for (int attempt = 0; !closed_; ++attempt) {
    const std::string trouble = co_await try_ready();
    if (trouble.empty()) co_return;
    if (std::chrono::steady_clock::now() > deadline) {
      throw UserError(fmt::format("the target did not come back within {}: {}",
                                  format_duration(options_.retry_for), trouble));
    }
    if (attempt % 16 == 0) spdlog::warn("waiting for the target: {}", trouble);
    co_await pause_for(executor_, pause);
    pause = std::min(pause * 2, retry_pause_max);
  }
}

asio::awaitable<std::string> Target::try_ready() {
  std::string trouble;
  try {
    if (reroute_) co_await refresh_topology();
    for (auto& node : nodes_) {
      if (!node->up()) {
        co_await node->revive();
        tasks_->spawn(supervise(*node));
      }
      require_writable(co_await read_server_info(node->endpoint()), node->endpoint().label());
    }
    reroute_ = false;
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  co_return trouble;
}

asio::awaitable<cluster::Topology> Target::rediscover() {
  std::vector<net::Endpoint> candidates{endpoint_};
  for (const cluster::Shard& shard : topology_.shards) {
    candidates.push_back(shard.primary.endpoint);
    for (const cluster::Node& replica : shard.replicas) candidates.push_back(replica.endpoint);
  }
  std::string trouble;
  for (const net::Endpoint& candidate : candidates) {
    try {
      cluster::Topology topology = co_await cluster::discover(candidate);
      if (topology.uncovered().empty()) co_return topology;
      trouble = fmt::format("{} sees slots without an owner", candidate.label());
    } catch (const std::exception& error) {
      trouble = error.what();
    }
  }
  throw ConnectionError(trouble);
}

asio::awaitable<void> Target::refresh_topology() {
  if (!topology_.clustered) co_return;
  adopt(co_await rediscover());
}

void Target::adopt(cluster::Topology topology) {
  std::vector<std::unique_ptr<TargetNode>> nodes;
  for (const cluster::Shard& shard : topology.shards) {
    const auto same = [&](const auto& node) {
      return node && node->endpoint() == shard.primary.endpoint;
    };
    const auto found = std::find_if(nodes_.begin(), nodes_.end(), same);
    nodes.push_back(found != nodes_.end() ? std::move(*found)
                                          : std::make_unique<TargetNode>(
                                                executor_, shard.primary.endpoint, link_count_,
                                                options_.outstanding_bytes_max, *this));
  }
  for (auto& node : nodes_) {
    if (!node) continue;
    node->close();
    retired_.push_back(std::move(node));
  }
  nodes_ = std::move(nodes);
  topology_ = std::move(topology);
  map_slots();
}

}  // namespace lockstep::engine
