#pragma once

// For the trials of planted differences: random data whose every element is known.

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sync/base/units.h"

namespace lockstep::verifier {

using Words = std::vector<std::string>;

/// A command on a key of a database.
struct TrialRequest {
  DbIndex db;
  std::string key;
  Words words;
};
using TrialRequests = std::vector<TrialRequest>;

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t below(uint64_t bound) { return engine_() % bound; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  std::string letters(size_t length);
  std::string bytes(size_t length);

 private:
  std::mt19937_64 engine_;
};

/// What the servers of both sides know, and how they are arranged.
struct Abilities {
  uint16_t source = 700;  ///< Redis version of the commands: 6.2 is 602
  uint16_t target = 700;
  bool field_expiry = false;
  bool databases = true;  ///< false: one side is a cluster
  uint16_t lower() const { return source < target ? source : target; }
  /// Before 7.0 an expiry is a time to live and the time at which it was told.
  int64_t expiry_error_ms() const { return lower() >= 700 ? 0 : 300; }
};

/// A key, all of it.
struct TrialKey {
  enum class Type : uint8_t { string, hyperloglog, list, set, hash, zset, stream };
  DbIndex db;
  std::string name;
  Type type = Type::string;
  std::string text;                 ///< of a string
  std::vector<std::string> items;   ///< elements, members, fields; for a stream, ids
  std::vector<std::string> values;  ///< of a hash
  std::vector<double> scores;       ///< of a sorted set
  size_t pending = 0;  ///< of a stream: so many entries are delivered to alice of the group "group"
  std::optional<int64_t> field_expire_at;  ///< of a hash's first field
  std::optional<int64_t> expire_at;

  TrialRequest request(Words words) const { return {db, name, std::move(words)}; }
  /// The commands that make it.
  TrialRequests commands() const;
};

/// When pending entries of the data were delivered, in ms, and how often.
inline constexpr const char* delivered_at = "1000";

std::vector<TrialKey> random_keys(Random& random, size_t count, const Abilities& abilities);

std::string score_text(double score);

}  // namespace lockstep::verifier
