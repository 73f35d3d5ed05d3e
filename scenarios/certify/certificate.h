#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

/// What was found out of one cell. Nothing is green by default: a cell starts as `not_certified`.
enum class Outcome {
  certified,              ///< every case passed, every goal was met, everything survives
  certified_with_losses,  ///< the same, but for what the target cannot hold: `losses`
  failed,                 ///< a case found a difference: `findings`
  unsupported,            ///< cannot be tried at all: `reason`
  not_certified,          ///< could not tell, or goals were not met: `reason`
};
inline constexpr size_t outcome_count = 5;

enum class Topology { standalone, cluster };

/// One thing that cannot survive in the target, such as "hash field expiry", and how many keys (or
/// libraries) were seen to lose it in all cases.
struct Loss {
  std::string what;
  uint64_t keys = 0;
};

/// Something that must have happened at least once in a cell's cases, or it proves too little.
struct Goal {
  std::string name;      ///< of the fixed list, such as "a key expired during the full copy"
  uint64_t times = 0;    ///< how often it happened
  bool possible = true;  ///< false: these two servers cannot do it, which is no shortcoming
  bool met() const { return !possible || times > 0; }
};

/// What a cell's cases had not in them though it was asked for, and why.
struct Untried {
  std::string what;                   ///< a family, the values of a module, or a check
  std::string reason;                 ///< true of this pair
  std::vector<std::string> commands;  ///< of the family: what was not generated, as forms/ has it
};

/// A case that did not pass.
struct Finding {
  std::string family;
  uint64_t seed = 0;
  std::string verdict;  ///< fail or unknown
  std::string reason;
  std::string reproduction;  ///< the command that repeats it
  std::string control;       ///< what the servers' own replication does with it; empty: not tried
  /// The server that crashed, and what its crash report says: "valkey-9.9: t_hash.c:67 …". Empty:
  /// none did.
  std::string crashed;
  /// It does so under the same commands without the tool as well: the fault is the server's own.
  bool crashes_alone = false;
  /// It ended before the tool was started: the servers or the machine failed, which says nothing.
  bool environment = false;
};

/// One pair of servers in one topology.
struct Cell {
  std::string from, to;  ///< names of the catalogue
  Topology topology = Topology::standalone;
  Outcome outcome = Outcome::not_certified;
  std::string reason;
  std::vector<std::string> families;          ///< whose cases ran
  std::vector<std::string> skipped_families;  ///< of which nothing could be generated
  std::vector<Untried> untried;               ///< these families' commands, too
  uint64_t cases = 0, passed = 0;
  uint64_t seed = 0;      ///< of the first case
  uint64_t commands = 0;  ///< that the workloads ran
  double seconds = 0;
  std::vector<Loss> losses;
  std::vector<Goal> goals;
  std::vector<Finding> findings;
  uint64_t attempts = 0;   ///< how often the cell was begun, this time included
  uint64_t retried = 0;    ///< cases that the environment ended, and that were run once more
  bool try_again = false;  ///< not certified, for the environment's sake alone: the next run tries
  /// What came before this attempt's end: cases that were run once more, and what earlier attempts
  /// have found. It keeps no cell from being certified, and is told.
  std::vector<Finding> earlier;
};

/// What ran: as the server itself says.
struct Server {
  std::string name;      ///< of the catalogue
  std::string version;   ///< INFO redis_version, or valkey_version where there is one
  std::string build_id;  ///< INFO redis_build_id
  unsigned rdb_version = 0;
};

/// What `lockstep certify` is asked for; parts of one certificate agree in all but `part`.
struct Request {
  std::vector<std::string> from, to;  ///< names of the catalogue, in its order
  std::vector<Topology> topologies;
  std::vector<std::string> families;
  uint64_t cases = 1;  ///< of each family in each cell
  uint64_t seed = 0;
  static constexpr uint64_t parts_max = 10'000;
  /// --shard (part - 1)/parts: the cells of the table whose index modulo `parts` is part - 1.
  uint64_t part = 1, parts = 1;
};

struct Certificate {
  static constexpr int schema = 4;
  std::string tool_version;
  std::string started, ended;  ///< UTC, ISO 8601; `ended` is empty while it runs
  std::string command;         ///< as it was typed
  std::string machine;         ///< cores, memory, system
  Request request;
  std::vector<Server> servers;
  std::vector<Cell> cells;  ///< those that are done, in the table's order
};

/// "certified_with_losses", as in certificate.json; outcome_words(): "certified with losses".
const char* outcome_name(Outcome outcome);
const char* outcome_words(Outcome outcome);
const char* topology_name(Topology topology);

/// The table's order, which is also what `--shard` counts: by topology, then from, then to. The
/// cells of the request's part, none tried yet: `not_certified`, without a reason.
std::vector<Cell> cells_of(const Request& request);

/// The reason of a cell that has not run.
inline constexpr const char* not_run =
    "it has not run: give the same command again, which goes on where it was";
/// Every cell of the request's part, in the table's order: as the certificate has it, or
/// `not_certified` with `reason` because it has not run.
std::vector<Cell> all_cells(const Certificate& certificate, const std::string& reason = not_run);

/// Those that the certificate has, in the table's order; without any that is not of the request's
/// part. They live as long as the certificate.
std::vector<const Cell*> done_cells(const Certificate& certificate);
std::vector<const Cell*> done_cells(Certificate&&) = delete;

/// How many of all_cells() have each outcome.
std::array<uint64_t, outcome_count> count_outcomes(const Certificate& certificate);

/// What the cells that were tried add up to.
struct Totals {
  uint64_t cells = 0, cases = 0, commands = 0;
  double seconds = 0;  ///< of all cells; those that ran side by side count each
};
Totals totals_of(const Certificate& certificate);

/// different: a cell failed. unknown: one is not certified, or has not run. Else ok.
ExitCode exit_code(const Certificate& certificate);

}  // namespace lockstep::scenarios::certify
