#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::scenarios {

struct KeyName {
  uint32_t db = 0;
  std::string key;
  auto operator<=>(const KeyName&) const = default;
};

/// A key's value taken apart into named texts, so that equal values are equal maps whatever their
/// encoding and order: a hash's fields, a list's elements by place, a stream's entries, groups, …
/// A part whose name begins with "?" is told by some servers only, and compared where both sides
/// have it.
struct KeyContent {
  std::string type;
  std::optional<int64_t> expire_at_ms{};
  std::map<std::string, std::string> parts{};
  std::map<std::string, int64_t> field_expiries{};  ///< ms since the epoch, by field
  bool operator==(const KeyContent&) const = default;
};

// The names of parts, for all who make contents.
std::string list_part(size_t place);
/// A HyperLogLog without the cardinality that it may keep: servers write it at times of their own.
/// One that is sparse here and dense there is another text.
std::string string_text(std::string text);
std::string score_text(double score);
/// An entry's fields, given by name. Their order, and a name's repetition, are not told.
std::string entry_text(const std::map<std::string, std::string>& fields);
std::string pending_text(uint64_t deliveries, uint64_t last_ms);

/// What one side holds.
struct Contents {
  std::map<KeyName, KeyContent> keys;
  std::vector<KeyName> doubled;  ///< found on two servers of the side
  int64_t taken_ms = 0;  ///< when the last of it was read: what had expired then may be gone

  /// Takes in another server's keys.
  void add(Contents other);
};

struct ContentFindings {
  size_t missing = 0, extra = 0, different = 0;
  size_t expired = 0;              ///< on one side only, and rightly so
  std::vector<std::string> first;  ///< the first few, each with what is the matter
  size_t count() const { return missing + extra + different; }
};

/// Expiries may differ by `tolerance_ms`; a key or field that is on one side only is no finding if
/// it was due, give or take as much, when the other side was read.
ContentFindings compare_contents(const Contents& source, const Contents& target,
                                 int64_t tolerance_ms);

}  // namespace lockstep::scenarios
