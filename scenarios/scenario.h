#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lockstep::scenarios {

/// The version of the scenario format that this program reads and writes.
inline constexpr uint64_t format_version = 1;

enum class TopologyKind : uint8_t { standalone, cluster, twemproxy };
enum class DriverKind : uint8_t { lockstep, replicaof, command };

/// One set of servers to start.
struct DeploymentSpec {
  std::string name;
  TopologyKind topology = TopologyKind::standalone;
  std::string server;      ///< a name of the servers' catalogue; empty: its default
  uint32_t primaries = 1;  ///< servers behind a Twemproxy
  uint32_t replicas = 0;   ///< of each primary
  bool container = false;
  std::map<std::string, std::string> config;  ///< lines of redis.conf
};

/// One sync tool: copies `from` into each of `to`. Several make a cascade.
struct SyncSpec {
  std::string from;
  std::vector<std::string> to;
  DriverKind driver = DriverKind::lockstep;
  std::string command;               ///< driver `command`: template with {from} and {to}
  std::vector<std::string> options;  ///< driver `lockstep`: further flags
};

/// What is in the source before the sync starts.
struct DataSpec {
  uint64_t keys = 0;
  bool expiries = true;  ///< some keys with a time to live, also short ones
};

struct WorkloadSpec {
  std::vector<std::string> families;
  /// Commands that only the source knows as well, on what every server can hold; else those that
  /// every server knows.
  bool newest_commands = false;
  uint32_t commands = 1000;  ///< steps, over all families
  uint32_t connections = 4;
  uint32_t keys = 24;                        ///< names of each type
  double before = 0.2;                       ///< share of the steps that run before the sync starts
  std::chrono::milliseconds duration{5000};  ///< over which the others are spread
};

/// Memory limits set, and targets that hang, while the workload runs.
struct PressureSpec {
  std::string source_policy;    ///< maxmemory-policy of the source; empty: no limit
  std::string target_policy;    ///< of the target
  uint64_t headroom_kb = 2048;  ///< limit: what is used when the sync starts, and this much more
  bool relieve = true;          ///< the target's limit is lifted after the workload
  /// The target's servers stand still (SIGSTOP) from when the source has its first link for so
  /// long, so that the copy of even little data is crossed by writes and expiries. One sync only,
  /// and not `replicaof`.
  std::chrono::milliseconds target_hangs{0};
};

struct CheckSpec {
  bool verify = true;      ///< the verifier, both directions, full values
  bool lists = true;       ///< unique elements: none lost, none doubled
  bool digest = true;      ///< DEBUG DIGEST, where both sides are one server of one version
  bool rdb_files = false;  ///< RDB files of both sides, decoded by another program
  /// The verifier again and again while the workload runs: it must not report a difference.
  bool live = false;
  bool evicted_is_missing = false;  ///< keys that the target evicted may be missing
  /// Everything that the source can hold is generated, and what the target cannot hold may be
  /// missing there: it is counted as lost. The sync needs the option `--unsupported report`.
  bool unsupported_is_missing = false;
};

struct LimitSpec {
  std::chrono::milliseconds start{60000};
  std::chrono::milliseconds catch_up{60000};
  std::chrono::milliseconds finish{60000};
  std::chrono::milliseconds verify{120000};
};

/// topology × servers × configuration × workload × checks: everything a run depends on, together
/// with its seed.
struct Scenario {
  std::string name;
  std::string description;
  std::vector<DeploymentSpec> deployments;
  std::vector<SyncSpec> syncs;
  DataSpec data;
  WorkloadSpec workload;
  PressureSpec pressure;
  CheckSpec checks;
  LimitSpec limits;

  const DeploymentSpec& deployment(const std::string& name) const;
  /// The deployment that the workload writes to: `from` of the first sync.
  const DeploymentSpec& source() const { return deployment(syncs.front().from); }
  /// Every deployment that must equal the source at the end.
  std::vector<std::string> targets() const;
};

/// Reads a scenario strictly. `file` is for messages. Throws UserError (bad_arguments) with file,
/// line, column and what to write instead.
Scenario parse_scenario(const std::string& text, const std::string& file);
Scenario read_scenario(const std::string& path);
/// The scenario with every default written out; parse_scenario() of it gives the same scenario.
std::string to_yaml(const Scenario& scenario);

std::string to_string(TopologyKind kind);
std::string to_string(DriverKind kind);

}  // namespace lockstep::scenarios
