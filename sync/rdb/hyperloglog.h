#pragma once

#include <optional>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::rdb {

inline constexpr size_t hyperloglog_registers = 16384;

/// The registers of a string that a server takes for a HyperLogLog, packed as its dense encoding
/// packs them (6 bits each, least significant first, 12288 bytes), whichever encoding it has; so
/// two HyperLogLogs count the same if and only if these bytes are the same. nullopt: an ordinary
/// string, to be compared as it is. Layout, as hyperloglog.c of the servers has it:
///
///     | "HYLL" | encoding 1 (0 dense, 1 sparse) | unused 3 (zero) | cached cardinality 8 |
///     registers | sparse:  00xxxxxx: x+1 zeros   01xxxxxx xxxxxxxx: x+1 zeros   1vvvvvxx: x+1
///     registers of v+1
std::optional<std::string> packed_registers(Bytes text);

/// One register of packed ones.
unsigned register_at(Bytes packed, size_t index);

}  // namespace lockstep::rdb
