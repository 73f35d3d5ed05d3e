#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sync/base/bytes.h"
#include "sync/rdb/framer.h"

namespace lockstep::rdb {

/// The footer of a DUMP payload: RDB version (2 bytes, little endian), CRC64 of all before it (8
/// bytes, little endian). See verifyDumpPayload() in the servers' cluster.c.
inline constexpr size_t dump_footer_bytes = 10;

struct DumpView {
  ValueType type = 0;
  Bytes value{};
  uint16_t version = 0;
};

/// Size of the payload append_dump_payload() makes.
inline size_t dump_payload_size(Bytes value) { return 1 + value.size() + dump_footer_bytes; }
/// Appends type, value and footer: what RESTORE takes.
void append_dump_payload(std::string& out, ValueType type, Bytes value, uint16_t version);
/// Splits a DUMP reply; throws FormatError if it is too short or its checksum is wrong.
DumpView parse_dump_payload(Bytes payload);

/// The lowest RDB version whose servers know this value type, so that a payload can carry a footer
/// an older target accepts. nullopt: unknown type.
std::optional<uint16_t> lowest_version_for(ValueType type);

}  // namespace lockstep::rdb
