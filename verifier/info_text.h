#pragma once

#include <cstdint>
#include <vector>

#include "sync/base/bytes.h"
#include "sync/base/units.h"

namespace lockstep::verifier {

/// The value of one field of an INFO reply; empty if it is not there.
Bytes info_field(Bytes info, Bytes field);
uint64_t info_number(Bytes info, Bytes field);

struct DbKeys {
  DbIndex db;
  uint64_t keys = 0;
  uint64_t expires = 0;  ///< of these, how many have an expiry
};
/// The keyspace section: databases that hold keys.
std::vector<DbKeys> info_keyspace(Bytes info);

}  // namespace lockstep::verifier
