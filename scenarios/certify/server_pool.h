#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>

#include "fixtures/address_plan.h"
#include "fixtures/deployment.h"
#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

namespace asio = boost::asio;

/// Of each cluster whose servers know the setting.
inline constexpr const char* cluster_databases = "16";

/// A deployment that runs, and its addresses.
struct PooledDeployment {
  std::string server;
  Topology topology = Topology::standalone;
  fixtures::AddressPlan addresses;
  std::unique_ptr<fixtures::Deployment> deployment;
};
using Lease = std::unique_ptr<PooledDeployment>;

/// Deployments that are started once and used by many cells, one cell at a time.
class ServerPool {
 public:
  /// Nodes keep their files under `directory`. At most `idle_max` wait for the next cell.
  ServerPool(asio::any_io_executor executor, std::filesystem::path directory, size_t idle_max)
      : executor_(executor), directory_(std::move(directory)), idle_max_(idle_max) {}

  /// One that waits, or a new one. Throws UserError if it does not start, with the end of its log.
  asio::awaitable<Lease> take(std::string server, Topology topology);
  /// For the next cell. One that is in doubt should be stopped instead.
  asio::awaitable<void> give_back(Lease lease);
  asio::awaitable<void> stop(Lease lease);
  /// Stops those that wait.
  asio::awaitable<void> close();

 private:
  asio::any_io_executor executor_;
  std::filesystem::path directory_;
  size_t idle_max_;
  unsigned started_ = 0;
  std::deque<Lease> idle_;  ///< the one that has waited longest first
};

}  // namespace lockstep::scenarios::certify
