#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sync/base/error.h"
#include "sync/base/units.h"
#include "verifier/scope.h"

namespace lockstep::verifier {

using std::chrono::milliseconds;

enum class ReadMode : uint8_t {
  automatic,  ///< snapshot where both sides allow PSYNC, else scan
  snapshot,   ///< one RDB stream of each primary: a fork, no main-thread time, a point in time
  scan,       ///< SCAN, DUMP and PTTL
};

/// How a server gives a snapshot.
enum class Transfer : uint8_t {
  automatic,  ///< as a stream; at a position by disk, and as a stream where that fails
  disk,       ///< the server writes a file first, its dump.rdb: half of the work for its main
              ///< thread, and it begins at once, but takes longer and needs room for the file
  stream,     ///< without a file where the server is set so, after its repl-diskless-sync-delay
};

/// The moment that a verdict holds for.
enum class CutMode : uint8_t {
  automatic,  ///< position where an engine is named and can be held, else settle
  quiesced,   ///< nothing may be written on either side meanwhile; if it is, there is no verdict
  settle,     ///< what differs is read again until it agrees
  position,   ///< the engine is held at an exact offset of each source shard: exact under writes
};

/// `lockstep verify`; flags have these names with '-' for '_'.
struct VerifyOptions {
  /// A server or replica, any one node of a cluster, all servers behind a Twemproxy, or RDB files
  /// ("file:dump.rdb").
  std::vector<std::string> from;
  std::vector<std::string> to;         ///< the same; several are the servers behind one Twemproxy
  std::string from_topology = "auto";  ///< auto, standalone or cluster
  std::string to_topology = "auto";
  ReadMode read = ReadMode::automatic;
  Transfer transfer = Transfer::automatic;  ///< of snapshots
  milliseconds expiry_tolerance{1000};      ///< expiries this far apart are the same
  milliseconds expiry_grace{0};  ///< the target's may be later by this, as the engine writes them
  milliseconds settle{10000};    ///< what differs is read again for at most so long
  CutMode cut = CutMode::automatic;
  /// Control endpoint of the engine that feeds the target: unix:/path or 127.0.0.1:PORT. Its expiry
  /// grace is taken where `expiry_grace` is 0. Empty: none is known.
  std::string engine;
  bool functions = true;         ///< compare libraries of functions
  milliseconds max_hold{15000};  ///< the engine goes on by itself after so long, whatever happens
  /// A difference that two readings so far apart agree on is confirmed at once if nothing at all
  /// was written on either side between them.
  milliseconds confirm_quiet{500};
  std::filesystem::path
      report;          ///< directory for report.json, diff.jsonl and junit.xml; empty: none
  ScopeOptions scope;  ///< which keys
  uint64_t rate =
      0;  ///< commands a second to each side, of scans and of reading again; 0: no limit
  /// Bound of what is kept of the keys; the rest goes into a file without a name in
  /// `spill_directory`.
  size_t memory_bytes = 256'000'000;
  std::filesystem::path spill_directory = std::filesystem::temp_directory_path();
  /// What has been done is kept in this file, and beside it, until the verdict stands: the same
  /// check goes on from there after a kill. Empty: it begins anew.
  std::filesystem::path state;
  milliseconds state_interval{5000};
  size_t max_differences = 20;  ///< so many are kept in the report and shown; all are counted
  bool progress = false;        ///< on standard error
};

/// What kind of difference. A key has one: the first that holds in this order.
enum class DiffClass : uint8_t {
  misplaced,     ///< on a node that does not serve it, or on two nodes of one side
  missing,       ///< in the source only
  extra,         ///< in the target only
  type,          ///< string against list, …
  value,         ///< elements, their order, scores
  metadata,      ///< of a stream with equal entries: ids, groups, consumers, pending entries
  field_expiry,  ///< of a hash's field
  expiry,        ///< of the key
  function,      ///< a library of functions; its name stands in the place of a key's
};
inline constexpr size_t diff_class_count = 9;
const char* diff_class_name(DiffClass diff_class);

/// Why a difference was to be expected. It is one all the same: the target lacks the data.
enum class Explained : uint8_t {
  no,
  evicted,      ///< missing from a server that has evicted keys which its policy lets it evict; of
                ///< each server no more keys than it has evicted
  unsupported,  ///< the target's version cannot hold it
};
inline constexpr size_t explained_count = 3;
const char* explained_name(Explained explained);

struct Difference {
  DiffClass diff_class = DiffClass::value;
  DbIndex db;
  std::string key;
  std::string source_type;  ///< "string", …; "none" where the key is absent
  std::string target_type;
  std::string detail;  ///< the first differing element, for a person
  std::optional<ExpireAt> source_expiry;
  std::optional<ExpireAt> target_expiry;
  std::string source_command;  ///< shell command that shows the key
  std::string target_command;
  Explained explained = Explained::no;
  /// Nodes of the target that may have evicted it; once it is counted, the one where.
  std::vector<std::string> evicted_by;
};

/// A key that could not be compared, and why.
struct Unverifiable {
  DbIndex db;
  std::string key;
  std::string reason;
};

enum class Verdict : uint8_t { equal, different, unknown };
const char* verdict_name(Verdict verdict);

/// What a repair did, or would do.
struct RepairReport {
  bool dry_run = false;
  uint64_t written = 0;           ///< keys that the target got from the source
  uint64_t removed = 0;           ///< keys that the source does not have
  uint64_t agreed = 0;            ///< nothing was to do any more
  uint64_t left = 0;              ///< differences that a repair cannot mend
  std::string left_why;           ///< of the first of them
  std::string problem;            ///< why it ended early; empty: it did not
  std::filesystem::path journal;  ///< what undoes it; empty: nothing was written
  milliseconds duration{0};
};

/// Where the replication stream of a server stood when its snapshot was fixed.
struct NodePosition {
  std::string node;
  std::string replid;
  Offset offset;
};

/// The engine that feeds the target, as it was while it was looked at.
struct EngineReport {
  std::string address;
  std::string expiry;            ///< its mode: "replica" or "exact"
  milliseconds expiry_grace{0};  ///< of mode replica: the target's expiries are later by this
  uint64_t holds = 0;            ///< how often it was held
  milliseconds hold_longest{0};  ///< from the request until it was let go
  milliseconds hold_total{0};
  milliseconds hold_max{0};  ///< the bound of each
  uint64_t cuts_failed = 0;  ///< cuts and readings at a position that had to be done again
  uint64_t ahead = 0;        ///< keys that it had brought further than the cut
};

/// Of a node of the target.
struct NodeEvictions {
  std::string node;
  uint64_t evicted = 0;    ///< keys, since its statistics began
  uint64_t explained = 0;  ///< of the missing keys, those that this explains
};

struct SideReport {
  std::vector<std::string> urls;   ///< as given, without passwords
  std::vector<std::string> nodes;  ///< labels of the primaries that were read
  std::string version;
  uint64_t keys = 0;                     ///< read
  uint64_t bytes = 0;                    ///< of snapshots or payloads
  uint64_t functions = 0;                ///< libraries seen in snapshots
  uint64_t own_keys = 0;                 ///< keys of Lockstep's own, which are not compared
  std::vector<NodeEvictions> evictions;  ///< of nodes that have evicted any
  std::vector<NodePosition> positions;   ///< of a position cut
};

struct VerifyReport {
  Verdict verdict = Verdict::unknown;
  std::string problem;  ///< why it could not be told; empty otherwise
  std::string method;   ///< "snapshot" or "scan"
  std::string cut;      ///< "position", "quiesced": nothing was written meanwhile, or "settle"
  std::optional<EngineReport> engine;
  std::vector<std::string> notes;
  SideReport source;
  SideReport target;
  ScopeOptions scope;               ///< as it was given
  std::vector<std::string> scopes;  ///< the same, a phrase each for a person; empty: all keys
  /// Of a sample: so many keys it was drawn from, and so many of them differ at most with 95 %
  /// confidence.
  uint64_t population = 0;
  uint64_t differing_at_most = 0;
  uint64_t compared = 0;    ///< distinct keys of both sides
  uint64_t candidates = 0;  ///< keys that were read again
  uint64_t settled = 0;     ///< of these, those that agreed then
  uint64_t expired = 0;     ///< of these, those whose time came during the check
  uint64_t flapping = 0;    ///< of these, those that changed and differed until the bound
  std::array<uint64_t, diff_class_count> counts{};
  std::array<uint64_t, explained_count> explained{};  ///< of these, by why they were to be expected
  std::optional<uint64_t> libraries_compared;         ///< of functions; nullopt: they were not
  std::vector<Difference> differences;                ///< the first max_differences
  std::vector<Unverifiable> unverifiable;             ///< the first max_differences
  uint64_t unverifiable_count = 0;
  std::vector<Difference> flapping_keys;  ///< as last seen; the first max_differences
  milliseconds expiry_tolerance{1000};    ///< as it was compared
  milliseconds expiry_grace{0};
  int64_t started_ms = 0;       ///< since the epoch, by our clock
  milliseconds pass_time{0};    ///< reading both sides
  milliseconds settle_time{0};  ///< reading again
  milliseconds duration{0};
  std::optional<RepairReport> repair;  ///< if there was one: the rest tells what is now
  uint64_t table_bytes_max = 0;        ///< memory of what is kept of the keys at its peak
  uint64_t spilled_bytes = 0;          ///< of it, what went into a file

  uint64_t difference_count() const;
  ExitCode exit_code() const;
};

/// Compares two deployments; returns when the verdict stands. What makes a verdict impossible (a
/// node that cannot be reached, a broken snapshot, a missing permission) gives `unknown` with its
/// `problem`; only wrong arguments are thrown, as UserError (bad_arguments). Blocking; needs no
/// io_context of the caller.
VerifyReport verify(const VerifyOptions& options);

}  // namespace lockstep::verifier
