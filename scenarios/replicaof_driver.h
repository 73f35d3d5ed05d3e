#pragma once

#include "scenarios/driver.h"

namespace lockstep::scenarios {

/// The control: the server's own replication, standalone to standalone. What differs after it is
/// the servers' doing and no tool's.
class ReplicaofDriver : public Driver {
 public:
  explicit ReplicaofDriver(DriverContext context) : context_(std::move(context)) {}
  asio::awaitable<void> start() override;
  asio::awaitable<std::string> why_not_caught_up() override;
  asio::awaitable<void> finish(std::chrono::milliseconds limit) override;

 private:
  asio::awaitable<std::string> why_not_begun();
  DriverContext context_;
};

}  // namespace lockstep::scenarios
