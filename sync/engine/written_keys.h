#pragma once

#include <set>
#include <string>
#include <utility>

#include "sync/base/bytes.h"
#include "sync/base/units.h"

namespace lockstep::engine {

/// What requests of ours (whole, one behind the other) may have written.
struct WrittenKeys {
  std::set<std::pair<DbIndex, std::string>> keys;
  /// The name of a command among them that may have written keys which it does not name (a script
  /// without keys); empty: there is none.
  std::string unknown;
};

/// `db` is selected when they begin.
WrittenKeys written_keys(Bytes requests, DbIndex db);

/// Whether a command among them carries something from one key to another, or to another database.
bool joins_keys(Bytes requests);

}  // namespace lockstep::engine
