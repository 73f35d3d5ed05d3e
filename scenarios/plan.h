#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lockstep::scenarios {

/// A command and when it is sent.
struct TimedCommand {
  uint32_t connection = 0;
  uint32_t at_ms = 0;  ///< after the start of the plan, or later if the connection is not free
  std::string route;   ///< the key by whose slot a node is chosen; "*": every primary
  std::vector<std::string> args;
  friend bool operator==(const TimedCommand&, const TimedCommand&) = default;
};

/// What the clients of the source do, in two parts: before the sync starts (as fast as possible),
/// and while it runs. Commands of one transaction stand together.
struct Plan {
  uint32_t connections = 0;  ///< those that may block are counted behind the others
  std::vector<TimedCommand> before;
  std::vector<TimedCommand> during;
  friend bool operator==(const Plan&, const Plan&) = default;
};

/// The plan as text, one command a line: "part connection at_ms route args…", words as redis-cli
/// reads them. parse_plan() of it gives the same plan.
std::string to_text(const Plan& plan);
/// Throws FormatError.
Plan parse_plan(const std::string& text);
/// The commands alone, in order, as input for `redis-cli` (with -c for a cluster).
std::string to_redis_cli(const Plan& plan);

}  // namespace lockstep::scenarios
