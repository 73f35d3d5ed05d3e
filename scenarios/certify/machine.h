#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lockstep::scenarios::certify {

/// What this process may use: the machine, or less where it runs in a container with limits.
struct Machine {
  unsigned cores = 1;
  uint64_t memory_bytes = 0;            ///< all of it
  uint64_t memory_available_bytes = 0;  ///< what is free, or can be freed
  std::string text;                     ///< "2 cores, 8.4 GB, Linux 6.1.0 x86_64"
};

/// Reads proc/meminfo and the limits in sys/fs/cgroup (of a container: versions 1 and 2) below
/// `root`; what is not there does not limit.
Machine this_machine(const std::filesystem::path& root = "/");

}  // namespace lockstep::scenarios::certify
