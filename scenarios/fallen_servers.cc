#include "scenarios/fallen_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "fixtures/run_files.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace {

/// What precedes an assertion in a crash report (debug.c of Redis 2.8 to 8 and of Valkey).
constexpr std::string_view assertion = "==> ";
/// Parts of other lines of it that name the cause.
constexpr std::array<std::string_view, 2> causes{" crashed by signal", "Guru Meditation: "};

/// Without "PID:ROLE DATE TIME LEVEL", which begins a line of a log.
std::string message_of(const std::string& line) {
  const size_t mark = line.find(" # ");
  return mark == std::string::npos ? line : line.substr(mark + 3);
}

FallenServer fallen(const fixtures::Server& server) {
  FallenServer it;
  it.server = server.spec().name;
  it.crash = crash_in(server.log_file());
  const bool crashed = !it.crash.empty();
  it.words =
      fmt::format("the server {} ({}, {}) {} during the case: {}", server.name(), it.server,
                  server.endpoint().label(), crashed ? "crashed" : "ended",
                  crashed ? it.crash : message_of(fixtures::last_lines(server.log_file(), 1)));
  return it;
}

}  // namespace

std::string crash_in(const std::filesystem::path& log) {
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);) {
    const size_t at = line.find(assertion);
    if (at != std::string::npos) return line.substr(at + assertion.size());
    const bool cause = std::ranges::any_of(
        causes, [&](std::string_view part) { return line.find(part) != std::string::npos; });
    if (cause) return message_of(line);
  }
  return "";
}

boost::asio::awaitable<std::vector<FallenServer>> fallen_servers(
    const fixtures::Deployment& deployment) {
  std::vector<FallenServer> all;
  for (fixtures::Server* server : deployment.servers()) {
    try {
      const bool runs = co_await server->running();
      if (!runs) all.push_back(fallen(*server));
    } catch (const UserError& error) {
      all.push_back({server->spec().name, "",
                     fmt::format("the server {}: {}", server->name(), error.what())});
    }
  }
  co_return all;
}

}  // namespace lockstep::scenarios
