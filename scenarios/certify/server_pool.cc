#include "scenarios/certify/server_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fixtures/capabilities.h"

namespace lockstep::scenarios::certify {

namespace {

constexpr size_t cluster_primaries = 3;

}  // namespace

asio::awaitable<Lease> ServerPool::take(std::string server, Topology topology) {
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const Lease& lease) {
    return lease->server == server && lease->topology == topology;
  });
  if (found != idle_.end()) {
    Lease lease = std::move(*found);
    idle_.erase(found);
    co_return std::move(lease);
  }
  auto lease = std::make_unique<PooledDeployment>();
  lease->server = server;
  lease->topology = topology;
  const bool clustered = topology == Topology::cluster;
  fixtures::DeploymentOptions options;
  options.name = fmt::format("{}-{}", server, ++started_);
  options.topology = clustered ? fixtures::Topology::cluster : fixtures::Topology::standalone;
  options.spec = fixtures::find_server(server);
  options.primaries = clustered ? cluster_primaries : 1;
  if (clustered && fixtures::capabilities_of(options.spec).has("cluster-databases"))
    options.config["cluster-databases"] = cluster_databases;
  lease->deployment =
      co_await fixtures::Deployment::start(executor_, lease->addresses, directory_, options);
  co_return std::move(lease);
}

asio::awaitable<void> ServerPool::give_back(Lease lease) {
  idle_.push_back(std::move(lease));
  if (idle_.size() <= idle_max_) co_return;
  Lease oldest = std::move(idle_.front());
  idle_.pop_front();
  co_await oldest->deployment->stop();
}

asio::awaitable<void> ServerPool::stop(Lease lease) { co_await lease->deployment->stop(); }

asio::awaitable<void> ServerPool::close() {
  while (!idle_.empty()) {
    Lease lease = std::move(idle_.front());
    idle_.pop_front();
    co_await lease->deployment->stop();
  }
}

}  // namespace lockstep::scenarios::certify
