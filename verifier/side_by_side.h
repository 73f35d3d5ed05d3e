#pragma once

#include <string>
#include <vector>

#include "sync/rdb/object.h"
#include "verifier/compare.h"
#include "verifier/tolerance.h"

namespace lockstep::verifier {

/// One element of a value, or a property of the key, on both sides.
struct SideRow {
  enum class Mark : char { same = ' ', different = '!', source_only = '<', target_only = '>' };
  Mark mark = Mark::same;
  std::string name;    ///< index, member, field, id
  std::string source;  ///< printable, cut around the first byte that differs
  std::string target;
};

/// Two values of any types, element by element: what belongs together by index (strings in pieces
/// of 32 bytes, lists), by member, field or id. nullptr: absent. Sans-io.
std::vector<SideRow> side_by_side(const rdb::Object* source, const rdb::Object* target,
                                  const Tolerance& tolerance);

/// The key on both sides for a terminal: type, expiry, then at most `rows_max` rows of its value,
/// those that differ before those that do not. Never throws for a payload that cannot be decoded.
std::string explain_text(const Reading& source, const Reading& target, const Tolerance& tolerance,
                         size_t rows_max);

}  // namespace lockstep::verifier
