#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scenarios/plan.h"
#include "sync/net/endpoint.h"

namespace lockstep::scenarios {

namespace asio = boost::asio;

/// What the clients saw. Error replies are part of a workload with deliberate collisions of type.
struct ExecutionStats {
  uint64_t commands = 0;
  std::map<std::string, uint64_t> errors;  ///< by the first word of the error reply
  /// By the command: replies that are neither errors nor nil. Of what stands in a transaction, at
  /// its EXEC; EXEC itself counts if any of that succeeded.
  std::map<std::string, uint64_t> succeeded;
  /// Blocking commands that waited, and were served: after they were sent, another client had three
  /// commands answered one after the other by the same server, and then they got an element.
  uint64_t served = 0;
  uint64_t connections_lost = 0;        ///< replaced by a new one; the command is not repeated
  std::chrono::milliseconds latest{0};  ///< the most that a command was sent after its time
  void add(const ExecutionStats& other);
};

/// Runs commands in the order of the plan, each connection a client of its own: a command is sent
/// at its time, or once the connection's last one was answered. `clients` is a node of the source,
/// or a Twemproxy.
/// Throws UserError if the source cannot be reached at all.
asio::awaitable<ExecutionStats> execute(std::vector<TimedCommand> commands, net::Endpoint clients);

}  // namespace lockstep::scenarios
