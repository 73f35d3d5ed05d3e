#include "scenarios/fallen_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "fixtures/run_files.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace {

/// Lines of a crash report (debug.c of Redis 2.8 to 8 and of Valkey) that name the cause.
constexpr std::array<std::string_view, 3> causes{"==> ", " crashed by signal", "Guru Meditation: "};

/// Without "PID:ROLE DATE TIME LEVEL", which begins a line of a log.
std::string message_of(const std::string& line) {
  const size_t mark = line.find(" # ");
  return mark == std::string::npos ? line : line.substr(mark + 3);
}

}  // namespace

std::string last_words(const std::filesystem::path& log) {
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);) {
    const bool cause = std::ranges::any_of(
        causes, [&](std::string_view part) { return line.find(part) != std::string::npos; });
    if (cause) return message_of(line);
  }
  return message_of(fixtures::last_lines(log, 1));
}

boost::asio::awaitable<std::string> fallen_servers(const fixtures::Deployment& deployment) {
  std::string fallen;
  for (fixtures::Server* server : deployment.servers()) {
    try {
      const bool runs = co_await server->running();
      if (runs) continue;
      fallen += fmt::format("the server {} ({}, {}) ended during the case: {}; ", server->name(),
                            server->spec().name, server->endpoint().label(),
                            last_words(server->log_file()));
    } catch (const UserError& error) {
      fallen += fmt::format("the server {}: {}; ", server->name(), error.what());
    }
  }
  co_return fallen;
}

}  // namespace lockstep::scenarios
