#pragma once

#include <cstdint>

#include "sync/base/bytes.h"

namespace lockstep::rdb {

/// CRC-64 of Redis ("Jones": polynomial 0xad93d23594c935a9, reflected, no initial or final value),
/// as at the end of an RDB file and of a DUMP payload. `crc` is the value of all bytes before.
uint64_t crc64(uint64_t crc, Bytes data);
/// The value before `data` was added to it: crc64(crc64_undo(crc, data), data) == crc.
uint64_t crc64_undo(uint64_t crc, Bytes data);

/// The two ways to compute it, which crc64() chooses from by the processor.
uint64_t crc64_tables(uint64_t crc, Bytes data);
bool crc64_has_carryless();
/// REQUIRES: crc64_has_carryless().
uint64_t crc64_carryless(uint64_t crc, Bytes data);

}  // namespace lockstep::rdb
