#pragma once

#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "sync/base/bytes.h"

namespace lockstep::engine {

/// Bodies of Lua scripts by their SHA-1 (40 lower-case hexadecimal characters), as seen in EVAL,
/// SCRIPT LOAD and the snapshot of a source that sends scripts verbatim. Bounded in bytes; the
/// oldest go first.
class ScriptStore {
 public:
  explicit ScriptStore(size_t bytes_max = 64 << 20) : bytes_max_(bytes_max) {}
  /// Returns the SHA-1.
  std::string add(Bytes body);
  const std::string* find(const std::string& sha1) const;
  void clear();

 private:
  size_t bytes_max_;
  size_t bytes_ = 0;
  std::unordered_map<std::string, std::string> bodies_;
  std::list<std::string> order_;
};

std::string sha1_hex(Bytes data);

}  // namespace lockstep::engine
