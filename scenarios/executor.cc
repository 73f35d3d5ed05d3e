#include "scenarios/executor.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "fixtures/join_all.h"
#include "fixtures/poll_until.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"
#include "sync/net/client.h"

namespace lockstep::scenarios {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// What the connections know of one another: every command has the number of its sending.
struct Sendings {
  uint64_t last = 0;
  /// By shard: a connection has had three commands answered one after the other, of which the first
  /// has this number. What was sent before it and has no answer is blocked by the server, whatever
  /// the order in which it and we look at connections.
  std::vector<uint64_t> passed;
};

bool may_block(const std::string& command) {
  constexpr std::array names{"BLPOP",  "BRPOP",    "BRPOPLPUSH", "BLMOVE",
                             "BLMPOP", "BZPOPMIN", "BZPOPMAX",   "BZMPOP"};
  return std::find(names.begin(), names.end(), command) != names.end();
}

/// One client connection of the plan: in a cluster, a connection to each node as it is needed.
class Connection {
 public:
  Connection(const cluster::Topology& topology, Clock::time_point start, Sendings& sendings)
      : topology_(topology),
        start_(start),
        sendings_(sendings),
        clients_(topology.shards.size()),
        queued_(topology.shards.size()),
        answered_(topology.shards.size()) {}

  asio::awaitable<void> run(std::vector<TimedCommand> commands) {
    for (TimedCommand& command : commands) {
      co_await wait_until(start_ + milliseconds(command.at_ms));
      co_await send(std::move(command));
    }
  }
  const ExecutionStats& stats() const { return stats_; }

 private:
  asio::awaitable<void> wait_until(Clock::time_point time) {
    const auto now = Clock::now();
    if (now >= time) {
      stats_.latest = std::max(stats_.latest, std::chrono::duration_cast<milliseconds>(now - time));
      co_return;
    }
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
  }

  asio::awaitable<void> send(TimedCommand command) {
    if (command.route != "*") {
      const Slot slot = cluster::slot_of(command.route);
      co_await send_to(topology_.clustered ? *topology_.shard_of(slot) : 0, command.args);
      co_return;
    }
    for (size_t shard = 0; shard < clients_.size(); ++shard) co_await send_to(shard, command.args);
  }

  asio::awaitable<void> send_to(size_t shard, std::vector<std::string> args) {
    bool lost = false;
    try {
      if (!clients_[shard])
        clients_[shard] = co_await net::Client::connect(topology_.shards[shard].primary.endpoint);
      const std::string name = args.front();
      const uint64_t number = ++sendings_.last;
      const resp::Value reply = co_await clients_[shard]->command(std::move(args));
      if (may_block(name) && is_success(reply) && sendings_.passed[shard] > number) ++stats_.served;
      note_answered(shard, number);
      note(shard, name, reply);
    } catch (const ConnectionError&) {
      lost = true;
    }
    if (!lost) co_return;
    ++stats_.connections_lost;
    clients_[shard].reset();
    queued_[shard].clear();
  }

  static bool is_success(const resp::Value& reply) { return !reply.is_error() && !reply.is_null(); }

  void note_answered(size_t shard, uint64_t number) {
    auto& [before_last, last] = answered_[shard];
    sendings_.passed[shard] = std::max(sendings_.passed[shard], before_last);
    before_last = std::exchange(last, number);
  }

  void note(size_t shard, const std::string& command, const resp::Value& reply) {
    ++stats_.commands;
    if (reply.is_error()) ++stats_.errors[reply.text.substr(0, reply.text.find(' '))];
    std::vector<std::string>& queued = queued_[shard];
    if (reply.text == "QUEUED") {
      queued.push_back(command);
      return;
    }
    if (command == "EXEC") {
      note_transaction(queued, reply);
    } else if (is_success(reply)) {
      ++stats_.succeeded[command];
    }
    if (command == "EXEC" || command == "DISCARD") queued.clear();
  }

  void note_transaction(const std::vector<std::string>& commands, const resp::Value& reply) {
    bool any = false;
    for (size_t i = 0; i < std::min(commands.size(), reply.items.size()); ++i) {
      if (!is_success(reply.items[i])) continue;
      ++stats_.succeeded[commands[i]];
      any = true;
    }
    if (any) ++stats_.succeeded["EXEC"];
  }

  const cluster::Topology& topology_;
  Clock::time_point start_;
  Sendings& sendings_;
  std::vector<std::unique_ptr<net::Client>> clients_;
  std::vector<std::vector<std::string>> queued_;  ///< in the transaction that is open, by shard
  std::vector<std::pair<uint64_t, uint64_t>> answered_;  ///< the last two, the earlier first
  ExecutionStats stats_;
};

cluster::Topology single(const net::Endpoint& endpoint) {
  cluster::Topology topology;
  topology.shards.emplace_back();
  topology.shards.back().primary.endpoint = endpoint;
  return topology;
}

asio::awaitable<cluster::Topology> topology_of(net::Endpoint clients) {
  auto client = co_await net::Client::connect(clients);
  std::vector<std::string> info{"INFO", "server"};
  bool is_server = true;
  try {
    is_server = !(co_await client->command(info)).is_error();
  } catch (const ConnectionError&) {
    is_server = false;  // a Twemproxy closes the connection at what it does not know
  }
  if (!is_server) co_return single(clients);
  co_return co_await cluster::discover(clients);
}

}  // namespace

void ExecutionStats::add(const ExecutionStats& other) {
  commands += other.commands;
  for (const auto& [word, count] : other.errors) errors[word] += count;
  for (const auto& [command, count] : other.succeeded) succeeded[command] += count;
  served += other.served;
  connections_lost += other.connections_lost;
  latest = std::max(latest, other.latest);
}

asio::awaitable<ExecutionStats> execute(std::vector<TimedCommand> commands, net::Endpoint clients) {
  std::map<uint32_t, std::vector<TimedCommand>> by_connection;
  for (TimedCommand& command : commands)
    by_connection[command.connection].push_back(std::move(command));
  const cluster::Topology topology = co_await topology_of(clients);
  const auto start = Clock::now();
  Sendings sendings{0, std::vector<uint64_t>(topology.shards.size())};
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<asio::awaitable<void>> running;
  for (auto& [number, list] : by_connection) {
    connections.push_back(std::make_unique<Connection>(topology, start, sendings));
    running.push_back(connections.back()->run(std::move(list)));
  }
  co_await fixtures::join_all(std::move(running));
  ExecutionStats stats;
  for (const auto& connection : connections) stats.add(connection->stats());
  co_return stats;
}

}  // namespace lockstep::scenarios
