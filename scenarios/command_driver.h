#pragma once

#include <optional>

#include "fixtures/child.h"
#include "fixtures/run_files.h"
#include "scenarios/driver.h"

namespace lockstep::scenarios {

/// Any other sync tool, started by a shell from a template in which {from}, {to} (host:port of the
/// first node) and {directory} are replaced. It has caught up when a mark that was written to every
/// primary of the source has arrived; it finishes by SIGTERM. All that it has started goes with it,
/// and with us.
class CommandDriver : public Driver {
 public:
  CommandDriver(asio::any_io_executor executor, DriverContext context)
      : executor_(executor), context_(std::move(context)) {}
  asio::awaitable<void> start() override;
  asio::awaitable<std::string> why_not_caught_up() override;
  asio::awaitable<void> finish(std::chrono::milliseconds limit) override;

 private:
  asio::awaitable<void> write_marks();
  asio::awaitable<void> remove_marks();

  asio::any_io_executor executor_;
  DriverContext context_;
  std::optional<fixtures::Child> child_;
  fixtures::Descriptor lifeline_;   ///< ends with us
  std::vector<std::string> marks_;  ///< keys, one on each primary of the source
};

/// The template with its placeholders filled in; the values are quoted for a shell.
std::string fill_in(std::string text, const std::string& from, const std::string& to,
                    const std::string& directory);

}  // namespace lockstep::scenarios
