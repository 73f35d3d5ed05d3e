#pragma once

#include <array>
#include <atomic>
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

/// A key as a side had it when it was read first.
struct SeenState {
  uint64_t digest = 0;
  rdb::Kind kind = rdb::Kind::string;
  std::optional<ExpireAt> expire_at;
  auto operator<=>(const SeenState&) const = default;
};

/// A key that has to be read again on both sides.
struct Candidate {
  DbIndex db;
  std::string key;
  bool located = false;  ///< files have it at its places and nowhere else
  std::array<std::optional<FilePlace>, 2> places{};  ///< by side
  bool seen_whole = false;  ///< `seen` tells all: once at most on each side, and understood
  std::array<std::optional<SeenState>, 2> seen{};  ///< by side; nullopt: absent
  auto operator<=>(const Candidate&) const = default;
};

struct MatcherOptions {
  Tolerance tolerance;
  size_t memory_bytes = 256 << 20;  ///< of all that it holds
  std::filesystem::path spill_directory = std::filesystem::temp_directory_path();
  std::filesystem::path state;  ///< what is kept is kept beside this file; empty: nothing is
};

/// Brings the keys of both sides together, in any order of arrival: what is equal vanishes, what is
/// not is a candidate. Each side's keys may be added by a thread of its own.
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

  /// Keys at nodes of a cluster that do not serve them: they take no part in anything else.
  using OnStray = std::function<void(SideName side, const KeyEntry& entry)>;
  void read_strays(const OnStray& on_stray) const;
  void forget_strays();

  // For a state file.
  struct Kept {
    uint64_t seen = 0;
    uint64_t ledger_bytes = 0;  ///< length of the file of its keys
    uint64_t stray_bytes = 0;
  };
  Kept write_out(SideName side);
  void resume(SideName side, const Kept& kept);
  void resume_own_keys(SideName side, uint64_t count) {
    own_keys_[static_cast<size_t>(side)] = count;
  }
  void resume_join(size_t next_partition, uint64_t distinct);
  void remove_files() const;
  size_t next_partition() const { return next_partition_; }

  uint64_t seen(SideName side) const { return seen_[static_cast<size_t>(side)]; }
  /// Distinct keys of both sides, as far as they have been brought together.
  uint64_t distinct() const { return distinct_; }
  /// Keys that is_own_key() tells, each time they were added; they are not kept.
  uint64_t own_keys(SideName side) const { return own_keys_[static_cast<size_t>(side)]; }
  size_t memory_bytes_max() const { return memory_max_; }
  uint64_t spilled_bytes() const;

 private:
  void make_ledgers(SideName side);
  void put(const Side& side, const KeyEntry& entry);
  size_t memory_bytes() const;

  MatcherOptions options_;
  std::array<std::unique_ptr<Ledger>, 2> ledgers_;
  std::array<std::unique_ptr<Ledger>, 2> strays_;
  std::array<std::atomic<uint64_t>, 2> seen_{};  ///< read by whoever shows the progress
  std::array<uint64_t, 2> own_keys_{};
  size_t next_partition_ = 0;
  uint64_t distinct_ = 0;
  size_t memory_max_ = 0;
};

}  // namespace lockstep::verifier
