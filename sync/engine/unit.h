#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sync/base/units.h"

namespace lockstep::engine {

enum class UnitKind : uint8_t {
  restore,      ///< a piece of the full copy: absolute, may be sent again as it is
  command,      ///< one command of the stream
  transaction,  ///< MULTI … EXEC of the stream, `replies` counts all of its lines
  fence,        ///< a key written back by a fence
  select,       ///< SELECT
  control,      ///< SCRIPT LOAD, FUNCTION LOAD, FLUSHALL …: touches no particular key
};

/// What was sent to a target node in one piece and is not yet answered.
struct Unit {
  uint32_t bytes = 0;    ///< its request, whole, in the node's send buffer
  uint32_t replies = 1;  ///< still to come
  uint16_t link = 0;     ///< which source link it came from
  UnitKind kind = UnitKind::command;
  bool expect_nonzero = false;  ///< a reply of 0 says that the key was already gone
  bool expect_fields = false;   ///< a reply that lacks a field of a hash says that it was gone
  bool expect_claims = false;   ///< a reply to XCLAIM without the entry says that it was deleted
  bool exec = false;            ///< the last reply is EXEC's
  bool failed = false;
  DbIndex db;        ///< selected when it begins
  DbIndex db_after;  ///< of a transaction: selected behind it
  Offset end;        ///< the link's offset behind it
};

/// A unit that was refused, or whose fate is unknown because the connection broke.
struct FailedUnit {
  Unit unit;
  std::string request;
  std::string error;  ///< the server's words, or why the connection broke
  /// It may have been done in this database instead of its own, whose SELECT was refused.
  std::optional<DbIndex> strayed_to;
};

}  // namespace lockstep::engine
