#pragma once

#include <array>
#include <string>
#include <vector>

#include "verifier/key_table.h"
#include "verifier/side.h"
#include "verifier/snapshot_parser.h"
#include "verifier/tolerance.h"

namespace lockstep::verifier {

/// A key that has to be read again on both sides.
struct Candidate {
  DbIndex db;
  std::string key;
  auto operator<=>(const Candidate&) const = default;
};

/// A key at a node of a cluster that does not serve it.
struct Stray {
  SideName side = SideName::source;
  size_t node = 0;
  DbIndex db;
  std::string key;
};

/// Brings the keys of both sides together, in any order of arrival. What is equal vanishes; what is
/// not is named as a candidate where its second occurrence tells the name, or stays in the table.
class Matcher {
 public:
  explicit Matcher(Tolerance tolerance) : tolerance_(tolerance) {}

  void add(const Side& side, size_t node, const KeySeen& seen);
  /// Nothing more is added: what follows may be asked.
  void finish();

  /// Keys that the table holds of this node: they are on one side only, as far as is known.
  std::vector<uint64_t> unmatched(SideName side, size_t node_count) const;
  /// A key whose value could not be read: a candidate, or a stray.
  void add_unread(const Side& side, size_t node, DbIndex db, Bytes key);
  /// Forgets everything.
  void clear() { *this = Matcher(tolerance_); }

  /// A key's name, met again: becomes a candidate if the table holds it of this side.
  void name(SideName side, DbIndex db, Bytes key);

  uint64_t seen(SideName side) const { return seen_[static_cast<size_t>(side)]; }
  /// Distinct keys of both sides.
  uint64_t distinct() const { return matched_ + table_.size(); }
  const KeyTable& table() const { return table_; }
  /// Each once. Leaves none behind.
  std::vector<Candidate> take_candidates();
  std::vector<Stray>& strays() { return strays_; }

 private:
  /// A key whose place in the table is being fetched into the cache.
  struct Arrival {
    KeyRecord record;
    DbIndex db;
    std::string key;
  };

  void match(const Arrival& arrival);
  bool is_stray(const Side& side, size_t node, DbIndex db, Bytes key);
  bool equal(const KeyRecord& a, const KeyRecord& b) const;

  Tolerance tolerance_;
  KeyTable table_;
  std::array<Arrival, 16> arrivals_;  ///< a ring
  size_t next_ = 0;
  std::array<uint64_t, 2> seen_{};
  uint64_t matched_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<Stray> strays_;
};

}  // namespace lockstep::verifier
