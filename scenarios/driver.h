#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fixtures/deployment.h"
#include "scenarios/scenario.h"

namespace lockstep::scenarios {

namespace asio = boost::asio;

/// What a driver knows of the run.
struct DriverContext {
  fixtures::Deployment* from = nullptr;
  std::vector<fixtures::Deployment*> to;
  SyncSpec spec;
  std::filesystem::path directory;  ///< for its logs
  std::string name;                 ///< of its files: "sync-1"
  std::string control_address;      ///< a loopback address of the run
  uint16_t control_port = 0;        ///< on it, for this driver alone
  std::chrono::milliseconds start_limit{60000};
};

/// All that the runner knows of a sync tool: how to start it, whether it has caught up, how it
/// finishes. Ends what it started when it goes.
class Driver {
 public:
  virtual ~Driver() = default;
  Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  virtual asio::awaitable<void> start() = 0;
  /// Why the targets do not yet have all that was written to the source before this call; empty:
  /// they have. Throws UserError if the tool has ended or failed.
  virtual asio::awaitable<std::string> why_not_caught_up() = 0;
  /// Cutover: the targets become as the source is, the tool ends. Throws UserError.
  virtual asio::awaitable<void> finish(std::chrono::milliseconds limit) = 0;
  /// JSON of what the tool did, for the report; "{}" if it does not say.
  virtual std::string last_status() const { return "{}"; }
  /// Whether the tool still copies what was there when it started; false if it does not say.
  virtual asio::awaitable<bool> copying() { co_return false; }
  /// Where `lockstep verify --engine` can hold it; empty: it cannot be held.
  virtual std::string control() const { return ""; }
};

std::unique_ptr<Driver> make_driver(asio::any_io_executor executor, DriverContext context);

}  // namespace lockstep::scenarios
