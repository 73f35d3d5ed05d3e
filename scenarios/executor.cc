#include "scenarios/executor.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "fixtures/join_all.h"
#include "fixtures/poll_until.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"
#include "sync/net/client.h"

namespace lockstep::scenarios {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// One client connection of the plan: in a cluster, a connection to each node as it is needed.
class Connection {
 public:
  Connection(const cluster::Topology& topology, Clock::time_point start)
      : topology_(topology), start_(start), clients_(topology.shards.size()) {}

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
      const resp::Value reply = co_await clients_[shard]->command(std::move(args));
      note(reply);
    } catch (const ConnectionError&) {
      lost = true;
    }
    if (!lost) co_return;
    ++stats_.connections_lost;
    clients_[shard].reset();
  }

  void note(const resp::Value& reply) {
    ++stats_.commands;
    if (reply.is_error()) ++stats_.errors[reply.text.substr(0, reply.text.find(' '))];
  }

  const cluster::Topology& topology_;
  Clock::time_point start_;
  std::vector<std::unique_ptr<net::Client>> clients_;
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
  connections_lost += other.connections_lost;
  latest = std::max(latest, other.latest);
}

asio::awaitable<ExecutionStats> execute(std::vector<TimedCommand> commands, net::Endpoint clients) {
  std::map<uint32_t, std::vector<TimedCommand>> by_connection;
  for (TimedCommand& command : commands)
    by_connection[command.connection].push_back(std::move(command));
  const cluster::Topology topology = co_await topology_of(clients);
  const auto start = Clock::now();
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<asio::awaitable<void>> running;
  for (auto& [number, list] : by_connection) {
    connections.push_back(std::make_unique<Connection>(topology, start));
    running.push_back(connections.back()->run(std::move(list)));
  }
  co_await fixtures::join_all(std::move(running));
  ExecutionStats stats;
  for (const auto& connection : connections) stats.add(connection->stats());
  co_return stats;
}

}  // namespace lockstep::scenarios
