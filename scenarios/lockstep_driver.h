#pragma once

#include <optional>

#include "fixtures/child.h"
#include "scenarios/driver.h"

namespace lockstep::scenarios {

/// Our own engine: this program as `lockstep sync`, asked over its control endpoint.
class LockstepDriver : public Driver {
 public:
  LockstepDriver(asio::any_io_executor executor, DriverContext context);
  asio::awaitable<void> start() override;
  asio::awaitable<std::string> why_not_caught_up() override;
  asio::awaitable<bool> copying() override;
  asio::awaitable<void> finish(std::chrono::milliseconds limit) override;
  std::string last_status() const override { return status_; }
  std::string control() const override;

 private:
  std::filesystem::path log_file() const { return context_.directory / (context_.name + ".log"); }
  std::vector<std::string> arguments() const;
  /// Throws UserError with the end of its log if it does not run.
  void require_running();
  asio::awaitable<std::string> ask(std::string method, std::string path,
                                   std::chrono::milliseconds limit);
  asio::awaitable<void> note_source_offsets();

  asio::any_io_executor executor_;
  DriverContext context_;
  std::optional<fixtures::Child> child_;
  std::string status_ = "{}";
  bool answered_ = false;  ///< it has been asked something, and said it
  /// master_repl_offset of each primary of the source when we were first asked whether the targets
  /// have caught up.
  std::map<std::string, int64_t> wanted_;
};

/// The program that runs: a child that is another lockstep has the same version.
std::filesystem::path own_program();

}  // namespace lockstep::scenarios
