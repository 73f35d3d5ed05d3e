#pragma once

#include <array>
#include <string>
#include <vector>

#include "verifier/ledger.h"
#include "verifier/side.h"
#include "verifier/snapshot_parser.h"
#include "verifier/tolerance.h"

namespace lockstep::verifier {

/// Where a key stands in a file.
struct FilePlace {
  uint32_t node = 0;
  uint64_t offset = 0;
  auto operator<=>(const FilePlace&) const = default;
};

/// A key that has to be read again on both sides.
struct Candidate {
  DbIndex db;
  std::string key;
  bool located = false;  ///< files have it at its places and nowhere else
  std::array<std::optional<FilePlace>, 2> places{};  ///< by side
  auto operator<=>(const Candidate&) const = default;
};

/// A key at a node of a cluster that does not serve it.
struct Stray {
  SideName side = SideName::source;
  size_t node = 0;
  DbIndex db;
  std::string key;
};

struct MatcherOptions {
  Tolerance tolerance;
  size_t memory_bytes = 256 << 20;  ///< of all that it holds, strays apart
  std::filesystem::path spill_directory = std::filesystem::temp_directory_path();
  std::filesystem::path state;  ///< what is kept is kept beside this file; empty: nothing is
};

/// Brings the keys of both sides together, in any order of arrival: what is equal vanishes, what is
/// not is a candidate.
class Matcher {
 public:
  explicit Matcher(MatcherOptions options);

  void add(const Side& side, size_t node, const KeySeen& seen);
  /// A key whose value could not be read: a candidate, or a stray.
  void add_unread(const Side& side, size_t node, DbIndex db, Bytes key);
  /// Forgets everything.
  void clear();

  /// Once nothing more is added: what must be read again, each key once, as many as fit into a part
  /// of the memory; call until it gives none.
  std::vector<Candidate> take_candidates();

  // For a state file.
  uint64_t write_out(SideName side);  ///< returns the length of its file
  void resume(SideName side, uint64_t seen, uint64_t ledger_bytes);
  void resume_join(size_t next_partition, uint64_t distinct);
  void remove_files() const;
  size_t next_partition() const { return next_partition_; }

  uint64_t seen(SideName side) const { return seen_[static_cast<size_t>(side)]; }
  /// Distinct keys of both sides, as far as they have been brought together.
  uint64_t distinct() const { return distinct_; }
  std::vector<Stray>& strays() { return strays_; }
  size_t memory_bytes_max() const { return memory_max_; }
  uint64_t spilled_bytes() const;

 private:
  bool is_stray(const Side& side, size_t node, DbIndex db, Bytes key);
  void put(SideName side, const KeyEntry& entry);
  size_t memory_bytes() const;

  MatcherOptions options_;
  std::array<std::unique_ptr<Ledger>, 2> ledgers_;
  std::array<uint64_t, 2> seen_{};
  size_t next_partition_ = 0;
  uint64_t distinct_ = 0;
  size_t memory_max_ = 0;
  std::vector<Stray> strays_;
};

}  // namespace lockstep::verifier
