#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "sync/base/bytes.h"
#include "sync/base/units.h"

namespace lockstep::engine {

/// What one link knows of its fences: keys that still have to be read again (pending), and keys
/// that were, with the offset their value holds at (fenced). No I/O. Offsets given to set_fenced()
/// never decrease, so entries the link has passed are dropped from the front.
class FenceBook {
 public:
  static constexpr size_t pending_max = 256;  ///< then the planner must wait for the fences

  bool idle() const { return pending_.empty() && fenced_.empty(); }
  bool pending_full() const { return pending_.size() >= pending_max; }
  bool has_pending() const { return !pending_.empty(); }
  /// The link's offset before the first command that waits for a fence.
  Offset pending_since() const { return pending_since_; }

  void add_pending(DbIndex db, Bytes key, Offset before);
  bool is_pending(DbIndex db, Bytes key) const;
  /// All pending keys by database.
  std::map<DbIndex, std::vector<std::string>> pending_keys() const;
  void clear_pending() { pending_.clear(); }

  void set_fenced(DbIndex db, Bytes key, Offset at);
  /// True if commands on this key up to `end` are already in the value that was written.
  bool covers(DbIndex db, Bytes key, Offset end) const;
  /// The offset of this key's fence; Offset{-1}: none.
  Offset fenced_at(DbIndex db, Bytes key) const;
  /// A key whose value on the target is that of a later offset than its link's.
  struct Ahead {
    DbIndex db;
    std::string key;
    Offset at;
  };
  std::vector<Ahead> ahead_of(Offset offset) const;
  /// The link has passed `offset`: forgets what is behind it.
  void pass(Offset offset);
  /// Every fenced key becomes pending again: its value on the target was removed by a flush.
  void fence_again(Offset before);
  /// The same for the keys of these databases, in each of them: they were swapped.
  void fence_again_in(Offset before, const std::vector<DbIndex>& databases);

 private:
  static std::string name(DbIndex db, Bytes key);
  static DbIndex db_of(const std::string& name);

  std::unordered_map<std::string, Offset> pending_;
  std::unordered_map<std::string, Offset> fenced_;
  std::deque<std::pair<Offset, std::string>> order_;
  Offset pending_since_;
};

}  // namespace lockstep::engine
