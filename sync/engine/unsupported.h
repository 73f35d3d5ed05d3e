#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/engine/options.h"
#include "sync/fence/rebuild.h"

namespace lockstep::engine {

/// Keys of one link's source that its target cannot hold: they are not there, and what the stream
/// does to them is not sent. A key is here exactly as long as the source has it and the target
/// cannot have it, so that the target never gets a part of a value.
class UnsupportedKeys {
 public:
  /// More than this in one link stop the task: they are kept in memory.
  static constexpr size_t keys_max = 1'000'000;

  explicit UnsupportedKeys(OnUnsupported policy) : policy_(policy) {}

  /// A function library that the target cannot hold. Throws as add() does.
  void add_function();
  uint64_t functions() const { return functions_; }

  /// Throws UserError, with the way out, where the task is to stop, and for more than keys_max.
  void add(DbIndex db, Bytes key, const fence::UnsupportedValue& why);
  void remove(DbIndex db, Bytes key);
  bool contains(DbIndex db, Bytes key) const;
  /// contains(), because it is a stream.
  bool is_stream(DbIndex db, Bytes key) const;
  OnUnsupported policy() const { return policy_; }
  bool empty() const { return keys_.empty(); }
  size_t size() const { return keys_.size(); }
  void clear();
  /// clear(), and the libraries too: all of it is counted anew.
  void forget() {
    clear();
    functions_ = 0;
  }
  void clear(DbIndex db);
  void swap(DbIndex a, DbIndex b);

  size_t count(fence::Unsupported what) const { return counts_[static_cast<size_t>(what)]; }
  /// Changes with every change of the keys.
  uint64_t revision() const { return revision_; }
  /// Until `visit` says false.
  void each(const std::function<bool(DbIndex, Bytes key, fence::Unsupported)>& visit) const;
  /// each() in pieces, between which keys may come and go: visits at least `count` keys from
  /// `place` on, unless there are fewer, and returns the next place; 0: that was all. Places hold
  /// only as long as places() is the same.
  size_t some(size_t place, size_t count,
              const std::function<void(DbIndex, Bytes key, fence::Unsupported)>& visit) const;
  size_t places() const { return keys_.bucket_count(); }

 private:
  void erase_if(const std::function<bool(DbIndex)>& gone);

  OnUnsupported policy_;
  std::unordered_map<std::string, fence::Unsupported> keys_;  ///< by database and name
  std::array<size_t, 4> counts_{};
  uint64_t functions_ = 0;
  uint64_t revision_ = 0;
};

}  // namespace lockstep::engine
