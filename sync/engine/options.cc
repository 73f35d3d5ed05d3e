#include "sync/engine/options.h"

#include <fmt/format.h>

#include "sync/base/error.h"

namespace lockstep::engine {

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
  if (options.spool_memory < (1u << 20)) refuse("--spool-memory must be at least 1MiB (1048576)");
  if (options.in_flight < (64u << 10)) refuse("--in-flight must be at least 64kB");
}

}  // namespace lockstep::engine
