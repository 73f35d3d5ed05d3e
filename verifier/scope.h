#pragma once

#include <bitset>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/rdb/format.h"

namespace lockstep::verifier {

using SlotSet = std::bitset<slot_count>;

/// Which keys are compared, as the flags say it; empty: all.
struct ScopeOptions {
  std::vector<uint32_t> db;
  std::string match;   ///< pattern, as of SCAN
  std::string type;    ///< string, list, set, zset, hash, stream or module
  std::string slots;   ///< "0-5460,9000"
  std::string part;    ///< "2/8": the second of eight parts, by the key's hash
  std::string sample;  ///< "1%", by the key's hash
  std::string keys;    ///< a file of names
};

/// The index, counted from 1, of so many parts.
struct Part {
  uint32_t index = 1;
  uint32_t count = 1;
};

enum class Take : uint8_t { no, not_sampled, yes };

/// Says of each key whether it is compared. The same keys are chosen on both sides and every time.
class Scope {
 public:
  /// Throws UserError (bad_arguments) that names the flag.
  explicit Scope(ScopeOptions options);

  /// By all but the type.
  Take take(DbIndex db, Bytes key) const;
  bool takes(rdb::Kind kind) const { return !kind_ || *kind_ == kind; }
  bool takes(DbIndex db) const { return dbs_.empty() || dbs_.contains(db.value); }
  bool everything() const { return everything_; }

  /// nullopt: no slots were named.
  const std::optional<SlotSet>& slots() const { return slots_; }
  const Part& part() const { return part_; }
  const ScopeOptions& options() const { return options_; }
  /// A phrase for each flag, for a person.
  std::vector<std::string> describe() const;

 private:
  ScopeOptions options_;
  std::set<uint32_t> dbs_;
  std::optional<rdb::Kind> kind_;
  std::optional<SlotSet> slots_;
  Part part_;
  uint64_t sample_below_ = 0;  ///< hashes below this; 0: no sample
  bool everything_ = true;
};

/// How many of `population` keys may differ at most, with 95 % confidence, when `different` of
/// `sampled` did (Clopper and Pearson's upper bound).
uint64_t differing_at_most(uint64_t population, uint64_t sampled, uint64_t different);

}  // namespace lockstep::verifier
