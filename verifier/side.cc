#include "verifier/side.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "sync/base/error.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"
#include "verifier/parallel.h"
#include "verifier/rdb_file.h"

namespace lockstep::verifier {

namespace {

/// A server that fails over is away for about as long as these pauses together.
constexpr int info_attempts_max = 8;
constexpr std::chrono::milliseconds info_first_pause{50};

int64_t local_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

void take_evictions(Node& node, Bytes info) {
  node.evicted_keys = info_number(info, "evicted_keys");
  node.maxmemory_policy = info_field(info, "maxmemory_policy");
}

NodeActivity activity_of(const std::string& run_id, Bytes info) {
  NodeActivity result;
  result.run_id = run_id;
  result.changes = info_number(info, "rdb_changes_since_last_save");
  if (!info_field(info, "rdb_saves").empty()) result.saves = info_number(info, "rdb_saves");
  result.offset = {static_cast<int64_t>(info_number(info, "master_repl_offset"))};
  result.state = fmt::format("{} {} {} {};", run_id, result.changes, info_field(info, "rdb_saves"),
                             info_field(info, "rdb_last_save_time"));
  return result;
}

/// A server that hides TIME is taken to agree with our clock.
asio::awaitable<int64_t> clock_offset(net::Client& client) {
  std::vector<std::string> request{"TIME"};
  const int64_t before = local_ms();
  const resp::Value reply = co_await client.command(std::move(request));
  if (reply.items.size() != 2) co_return 0;
  const int64_t theirs =
      std::stoll(reply.items[0].text) * 1000 + std::stoll(reply.items[1].text) / 1000;
  co_return theirs - (before + local_ms()) / 2;
}

void require_topology(const cluster::Topology& topology, const std::string& declared,
                      const std::string& label, const char* flag) {
  if (declared == "auto" || topology.clustered == (declared == "cluster")) return;
  const char* actual = topology.clustered ? "cluster" : "standalone";
  throw UserError(
      fmt::format("{} is {}, but --{}-topology {} was given: give {}", label,
                  topology.clustered ? "a cluster" : "a standalone server", flag, declared, actual),
      ExitCode::bad_arguments);
}

std::string ownership_of(const cluster::Topology& topology) {
  if (!topology.clustered) return "standalone";
  std::string text;
  for (const cluster::Shard& shard : topology.shards) {
    text += shard.primary.id.empty() ? shard.primary.endpoint.label() : shard.primary.id;
    for (const auto& [first, last] : shard.slots)
      text += fmt::format(" {}-{}", first.value, last.value);
    text += ';';
  }
  return text;
}

void require_covered(const cluster::Topology& topology, const char* title) {
  if (!topology.clustered || topology.uncovered().empty()) return;
  std::string ranges;
  for (const auto& [first, last] : topology.uncovered())
    ranges += fmt::format(" {}-{}", first.value, last.value);
  throw UserError(
      fmt::format("nobody owns the slots{} of the {} cluster, so its keys cannot all be read: "
                  "bring back the nodes that held them",
                  ranges, title));
}

void require_other(const Node& a, const Node& b) {
  if (a.run_id.empty() || a.run_id != b.run_id) return;
  throw UserError(fmt::format("{} and {} are the same server (run id {}): --from and --to must "
                              "name different ones, each once",
                              a.endpoint.label(), b.endpoint.label(), a.run_id),
                  ExitCode::bad_arguments);
}

}  // namespace

/// A save leaves what was written after its fork as changes; should another have come after it, the
/// offset tells. Beside writes, only PINGs to replicas move that.
bool NodeActivity::only_saved(const NodeActivity& before,
                              const std::optional<SnapshotPoint>& snapshot) const {
  constexpr int64_t ping_bytes = 14;
  if (!snapshot || run_id != before.run_id || changes > 0) return false;
  if (saves && before.saves && *saves != *before.saves + 1) return false;
  const int64_t moved = offset.value - snapshot->offset.value;
  return moved >= 0 && moved % ping_bytes == 0;
}

Node::Node() = default;
Node::~Node() = default;

asio::awaitable<void> Side::open(std::vector<std::string> urls, std::string declared) {
  const char* flag = name_ == SideName::source ? "from" : "to";
  urls_ = urls;
  const auto files = std::count_if(urls.begin(), urls.end(), is_file_url);
  if (files > 0) {
    if (static_cast<size_t>(files) < urls.size())
      throw UserError(fmt::format("--{}: files and servers cannot be one side together", flag),
                      ExitCode::bad_arguments);
    open_files();
    co_return;
  }
  for (const std::string& url : urls) asked_.push_back(net::parse_endpoint(url));
  if (asked_.size() == 1) {
    cluster::Topology topology = co_await cluster::discover(asked_.front());
    require_topology(topology, declared, asked_.front().label(), flag);
    co_await adopt(std::move(topology));
    co_return;
  }
  for (const net::Endpoint& endpoint : asked_) {
    const cluster::Topology topology = co_await cluster::discover(endpoint);
    if (topology.clustered) {
      throw UserError(fmt::format("{} is a node of a cluster: name one node only with --{}; "
                                  "several are the servers behind a Twemproxy",
                                  endpoint.label(), flag),
                      ExitCode::bad_arguments);
    }
    nodes_.push_back(co_await connect(endpoint));
  }
  ownership_ = "several";
  share_pace();
}

void Side::open_files() {
  for (const std::string& url : urls_) {
    auto node = std::make_unique<Node>();
    node->file = std::make_unique<RdbFile>(url);
    node->endpoint.unix_path = url;  // what label() gives
    node->run_id = node->file->identity();
    node->version = node->file->server_version();
    node->databases = node->file->databases();
    nodes_.push_back(std::move(node));
  }
}

/// The limit holds for the side; its nodes are asked evenly.
void Side::share_pace() {
  const uint64_t each =
      commands_per_s_ == 0 ? 0 : std::max<uint64_t>(1, commands_per_s_ / nodes_.size());
  for (const auto& node : nodes_) node->pace = Pace(each);
}

asio::awaitable<void> Side::await_turn(size_t node, size_t commands) {
  const auto wait = nodes_[node]->pace.before(std::chrono::steady_clock::now(), commands);
  if (wait > Pace::Duration()) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait);
    co_await pause_for(ms);
  }
}

bool Side::owns_any(size_t node, const SlotSet& slots) const {
  if (!topology_.clustered) return true;
  for (size_t slot = 0; slot < slot_count; ++slot) {
    if (slots.test(slot) && owner_[slot] == node) return true;
  }
  return false;
}

asio::awaitable<void> Side::adopt(cluster::Topology topology) {
  require_covered(topology, title());
  if (topology.shards.size() > node_max)
    throw UserError(fmt::format("the {} has more than {} primaries", title(), node_max));
  std::vector<std::unique_ptr<Node>> nodes;
  for (const cluster::Shard& shard : topology.shards)
    nodes.push_back(co_await connect(shard.primary.endpoint));
  nodes_ = std::move(nodes);
  share_pace();
  topology_ = std::move(topology);
  ownership_ = ownership_of(topology_);
  co_await learn_moving();
  for (size_t i = 0; i < topology_.shards.size(); ++i) {
    for (const auto& [first, last] : topology_.shards[i].slots)
      std::fill(owner_.begin() + first.value, owner_.begin() + last.value + 1, i);
  }
}

/// Each node tells of its own slots only.
asio::awaitable<void> Side::learn_moving() {
  if (!topology_.clustered) co_return;
  topology_.migrating.clear();
  for (const auto& node : nodes_) {
    const cluster::Topology told = co_await cluster::discover(*node->client);
    topology_.migrating.insert(topology_.migrating.end(), told.migrating.begin(),
                               told.migrating.end());
  }
}

asio::awaitable<std::vector<Slot>> Side::moving_slots() {
  std::vector<Slot> moving;
  if (!topology_.clustered) co_return moving;
  for (const auto& node : nodes_) {
    const cluster::Topology told = co_await cluster::discover(*node->client);
    if (ownership_of(told) != ownership_)
      throw ConnectionError(
          fmt::format("slots of the {} cluster have changed hands while it was read, as {} says",
                      title(), node->endpoint.label()));
    moving.insert(moving.end(), told.migrating.begin(), told.migrating.end());
  }
  std::sort(moving.begin(), moving.end());
  moving.erase(std::unique(moving.begin(), moving.end()), moving.end());
  co_return moving;
}

std::optional<size_t> Side::find(const std::string& label) const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->endpoint.label() == label) return i;
  }
  return std::nullopt;
}

asio::awaitable<std::unique_ptr<Node>> Side::connect(net::Endpoint endpoint) {
  auto node = std::make_unique<Node>();
  node->endpoint = endpoint;
  node->client = co_await net::Client::connect(endpoint);
  std::vector<std::string> request{"INFO"};
  const resp::Value info = co_await node->client->command_or_throw(std::move(request));
  if (info_number(info.text, "loading") != 0) {
    throw UserError(
        fmt::format("{} is loading its data set: verify when it has ended", endpoint.label()));
  }
  node->run_id = info_field(info.text, "run_id");
  node->version = info_field(info.text, "redis_version");
  node->valkey_version = info_field(info.text, "valkey_version");
  node->databases = info_keyspace(info.text);
  take_evictions(*node, info.text);
  node->version_number = co_await node->client->server_version();
  node->clock_offset_ms = co_await clock_offset(*node->client);
  co_return node;
}

asio::awaitable<void> Side::refresh_from(net::Endpoint endpoint) {
  if (asked_.size() == 1) {
    cluster::Topology topology = co_await cluster::discover(endpoint);
    co_await adopt(std::move(topology));
    co_return;
  }
  for (auto& node : nodes_) node = co_await connect(node->endpoint);
  share_pace();
}

asio::awaitable<void> Side::refresh() {
  if (of_files()) co_return;
  std::vector<net::Endpoint> known;
  for (const auto& node : nodes_) known.push_back(node->endpoint);
  std::string failure;
  for (const net::Endpoint& endpoint : known) {
    try {
      co_await refresh_from(endpoint);
      co_return;
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
  }
  throw ConnectionError(failure);
}

uint64_t Side::keys_at_open() const {
  uint64_t keys = 0;
  for (const auto& node : nodes_) {
    for (const DbKeys& db : node->databases) keys += db.keys;
  }
  return keys;
}

std::vector<size_t> Side::holders(Bytes key) const {
  if (topology_.clustered) return {owner_[cluster::slot_of(key).value]};
  std::vector<size_t> all(nodes_.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

bool Side::serves(size_t node, Bytes key) const {
  if (!topology_.clustered) return true;
  return owner_[cluster::slot_of(key).value] == node || on_the_move(key);
}

bool Side::on_the_move(Bytes key) const {
  const std::vector<Slot>& moving = topology_.migrating;
  if (moving.empty()) return false;
  return std::find(moving.begin(), moving.end(), cluster::slot_of(key)) != moving.end();
}

asio::awaitable<std::vector<std::string>> Side::ask_info() {
  std::string failure;
  for (int attempt = 0; attempt < info_attempts_max; ++attempt) {
    try {
      if (attempt > 0) co_await refresh();
      std::vector<std::string> all;
      for (const auto& node : nodes_) {
        all.emplace_back();
        if (node->file) continue;
        std::vector<std::string> request{"INFO"};
        const resp::Value info = co_await node->client->command_or_throw(std::move(request));
        all.back() = info.text;
      }
      co_return all;
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
    co_await pause_for(info_first_pause * (1 << attempt));
  }
  throw ConnectionError(failure);
}

asio::awaitable<std::vector<NodeActivity>> Side::activity() {
  const std::vector<std::string> infos = co_await ask_info();
  std::vector<NodeActivity> all;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->file) {
      all.push_back({.state = nodes_[i]->file->state()});
    } else {
      all.push_back(activity_of(nodes_[i]->run_id, infos[i]));
    }
  }
  co_return all;
}

asio::awaitable<void> Side::look_for_evictions() {
  const std::vector<std::string> infos = co_await ask_info();
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]->file) take_evictions(*nodes_[i], infos[i]);
  }
}

int64_t Side::now_ms(size_t node) const { return local_ms() + nodes_[node]->clock_offset_ms; }

void Side::require_distinct() const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) require_other(*nodes_[i], *nodes_[j]);
  }
}

void require_distinct(const Side& source, const Side& target) {
  source.require_distinct();
  target.require_distinct();
  for (size_t s = 0; s < source.node_count(); ++s) {
    for (size_t t = 0; t < target.node_count(); ++t) require_other(source.node(s), target.node(t));
  }
}

}  // namespace lockstep::verifier
