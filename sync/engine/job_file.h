#pragma once

#include <string>

#include "sync/engine/options.h"

namespace lockstep::engine {

/// The flags of `lockstep sync` as texts, before they are parsed: what the command line and a job
/// file share.
struct SyncFlags {
  std::vector<std::string> from, to, ignore;
  std::string from_topology = "auto", to_topology = "auto";
  std::string existing = "stop", expiry = "replica", expiry_grace = "1h", until = "stopped",
              unsupported = "stop", unsupported_list = "unsupported.jsonl";
  std::string control, spool_dir = ".", spool_memory = "48MB", spool_disk_max = "0",
                       in_flight = "4MB", retry_for = "720m";
  std::string log_level = "info", log_file;
  bool publish = false;
  bool quiet = false;
};

/// Reads a YAML job file into `flags`: a map with the flags' names (underscores for dashes), lists
/// for from, to and ignore. Throws UserError (bad_arguments) with the file, the line and, for an
/// unknown name, the nearest known one.
void read_job_file(const std::string& path, SyncFlags& flags);

/// Throws UserError (bad_arguments) that names the flag.
SyncOptions to_options(const SyncFlags& flags);

}  // namespace lockstep::engine
