#pragma once

#include <bitset>
#include <optional>
#include <string>

#include "sync/base/bytes.h"
#include "sync/rdb/format.h"

namespace lockstep::rdb {

/// The versions whose DUMP payloads a server loads.
using LoadableVersions = std::bitset<256>;

/// A value as a payload that a server takes.
struct LoadableForm {
  ValueType type = 0;
  Bytes value{};
  uint16_t version = 0;  ///< for the footer: the lowest that has the type
};

/// The form in which a server that loads `versions` takes a value: as it is, or a stream in an
/// older layout, made in `scratch`. nullopt: none; then it can only be made by commands. What an
/// older layout of a stream has no place for is left out, since the server has none either:
/// counters (before 10), when a consumer was last active (before 11). Throws FormatError on damaged
/// bytes.
std::optional<LoadableForm> loadable_form(ValueType type, Bytes value,
                                          const LoadableVersions& versions, std::string& scratch);

}  // namespace lockstep::rdb
