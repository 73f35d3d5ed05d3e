#include "sync/engine/options.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "sync/base/error.h"

namespace lockstep::engine {

namespace {

template <class Units>
double with_unit(const std::string& text, const Units& units, const std::string& option,
                 const char* example) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  if (error == std::errc() && number >= 0) {
    for (const auto& [name, factor] : units) {
      if (unit == name) return number * factor;
    }
  }
  throw UserError(
      fmt::format("{}: \"{}\" is not understood; write it as in {}", option, text, example),
      ExitCode::bad_arguments);
}

}  // namespace

std::chrono::milliseconds parse_duration(const std::string& text, const std::string& option) {
  static constexpr std::array<std::pair<const char*, double>, 5> units{
      {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}}};
  return std::chrono::milliseconds(
      static_cast<int64_t>(with_unit(text, units, option, "500ms, 30s, 10m, 1h or 2d")));
}

uint64_t parse_size(const std::string& text, const std::string& option) {
  static constexpr std::array<std::pair<const char*, double>, 9> units{{{"", 1},
                                                                        {"B", 1},
                                                                        {"kB", 1e3},
                                                                        {"k", 1e3},
                                                                        {"MB", 1e6},
                                                                        {"GB", 1e9},
                                                                        {"KiB", 1024},
                                                                        {"MiB", 1048576},
                                                                        {"GiB", 1073741824}}};
  return static_cast<uint64_t>(with_unit(text, units, option, "64MB, 1GB or 4MiB"));
}

void validate(const SyncOptions& options) {
  const auto refuse = [](const std::string& message) {
    throw UserError(message, ExitCode::bad_arguments);
  };
  if (options.from.empty())
    refuse("no source: give --from URL, such as --from redis://127.0.0.1:6379");
  if (options.to.empty()) refuse("no target: give --to URL, such as --to redis://127.0.0.1:6380");
  for (const std::string* topology : {&options.from_topology, &options.to_topology}) {
    if (*topology != "auto" && *topology != "standalone" && *topology != "cluster") {
      refuse(fmt::format("a topology is auto, standalone or cluster, not \"{}\"", *topology));
    }
  }
  if (options.spool_memory < (1u << 20)) refuse("--spool-memory must be at least 1MB");
  if (options.in_flight < (64u << 10)) refuse("--in-flight must be at least 64kB");
}

}  // namespace lockstep::engine
