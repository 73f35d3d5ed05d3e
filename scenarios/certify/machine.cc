#include "scenarios/certify/machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <thread>

#include "sync/base/units.h"

namespace lockstep::scenarios::certify {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t unlimited = std::numeric_limits<uint64_t>::max();

/// The number behind `name` at the beginning of a line, such as "MemTotal:  123 kB".
std::optional<uint64_t> field(const fs::path& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    uint64_t number = 0;
    if (words >> word && word == name && words >> number) return number;
  }
  return std::nullopt;
}

/// The first numbers of a file; none: it is not there, or it says "max" or -1.
std::optional<uint64_t> number(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value && value > 0 ? std::optional(static_cast<uint64_t>(value)) : std::nullopt;
}

std::optional<uint64_t> second_number(const fs::path& path) {
  std::ifstream file(path);
  std::string first;
  uint64_t value = 0;
  return file >> first >> value ? std::optional(value) : std::nullopt;
}

/// Processor time for each time, rounded up: what the container may use.
unsigned core_limit(const fs::path& cgroup) {
  auto quota = number(cgroup / "cpu.max"), period = second_number(cgroup / "cpu.max");
  if (!quota) {
    quota = number(cgroup / "cpu" / "cpu.cfs_quota_us");
    period = number(cgroup / "cpu" / "cpu.cfs_period_us");
  }
  if (!quota || !period || *period == 0) return std::numeric_limits<unsigned>::max();
  return static_cast<unsigned>((*quota + *period - 1) / *period);
}

struct MemoryLimit {
  uint64_t all = unlimited, available = unlimited;
};

/// Pages of files that nobody uses are given back where memory is short.
MemoryLimit memory_limit(const fs::path& cgroup) {
  const bool second = fs::exists(cgroup / "memory.max");
  const fs::path folder = second ? cgroup : cgroup / "memory";
  const auto limit = number(folder / (second ? "memory.max" : "memory.limit_in_bytes"));
  const auto used = number(folder / (second ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !used) return {};
  const uint64_t unused_files =
      field(folder / "memory.stat", second ? "inactive_file" : "total_inactive_file").value_or(0);
  const uint64_t needed = *used - std::min(*used, unused_files);
  return {*limit, *limit - std::min(*limit, needed)};
}

}  // namespace

Machine this_machine(const fs::path& root) {
  const fs::path cgroup = root / "sys/fs/cgroup", meminfo = root / "proc/meminfo";
  const MemoryLimit limit = memory_limit(cgroup);
  Machine machine;
  machine.cores =
      std::clamp(std::thread::hardware_concurrency(), 1u, std::max(1u, core_limit(cgroup)));
  machine.memory_bytes = std::min(limit.all, field(meminfo, "MemTotal:").value_or(0) * 1024);
  machine.memory_available_bytes =
      std::min(limit.available, field(meminfo, "MemAvailable:").value_or(0) * 1024);
  utsname system{};
  uname(&system);
  machine.text = fmt::format("{} core{}, {}, {} {} {}", machine.cores,
                             machine.cores == 1 ? "" : "s", format_bytes(machine.memory_bytes),
                             system.sysname, system.release, system.machine);
  return machine;
}

}  // namespace lockstep::scenarios::certify
