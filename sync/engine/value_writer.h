#pragma once

#include <bitset>
#include <set>
#include <string>

#include "sync/engine/target.h"
#include "sync/engine/unsupported.h"
#include "sync/rdb/dump_payload.h"
#include "sync/rdb/framer.h"

namespace lockstep::engine {

/// Writes whole values to the target, in the highest form that it takes:
///
///     RESTORE key at payload REPLACE ABSTTL
///     RESTORE key left payload REPLACE · PEXPIREAT key at             without ABSTTL
///     MULTI · DEL key · RESTORE key left payload · PEXPIREAT · EXEC   without REPLACE
///     DEL key · the value's commands · PEXPIREAT key at               no payload of it is known
///
/// What a key expires at is absolute in each of them; `left` counts from the target's clock.
class ValueWriter {
 public:
  enum class Form : uint8_t { payload, commands, left_out };

  ValueWriter(Target& target, uint16_t link, UnsupportedKeys& unsupported);

  /// Appends `entry` as one unit like `unit`, whose expiry is moved by `grace_ms`; `before` as for
  /// TargetNode::begin_unit(). What the target cannot hold goes into the UnsupportedKeys, which may
  /// throw, and the target loses what it had under that name. `payload_version`: the footer that
  /// the value came with, for types that we do not know; 0: there was none.
  Form write(const rdb::Entry& entry, int64_t grace_ms, Unit unit, Offset before,
             uint16_t payload_version = 0);
  /// Appends the key's removal.
  void remove(DbIndex db, Bytes key, Unit unit, Offset before);
  /// Requests made by write() which the target refused as a payload: all of its type go as commands
  /// from now on.
  void refuse(Bytes requests);
  /// The same, and the value again.
  Form write_refused(Bytes requests, const Unit& unit, Offset before);
  /// A key of a database that the target does not have was written.
  void note_presence(DbIndex db, Bytes key, bool present);
  /// A value that is written in parts turned out to be one that the target cannot hold.
  void leave_out(DbIndex db, Bytes key, const fence::UnsupportedValue& why, Unit unit,
                 Offset before);

  fence::RebuildOptions rebuild_options(int64_t grace_ms) const;

 private:
  std::optional<rdb::LoadableForm> payload_for(const rdb::Entry& entry, uint16_t payload_version);
  void append_payload(const rdb::Entry& entry, const rdb::LoadableForm& form, int64_t grace_ms,
                      std::string& out, Unit& unit) const;
  void append_removal(DbIndex db, Bytes key, Unit unit, Offset before);
  void require_database(const rdb::Entry& entry) const;
  fence::UnsupportedValue no_database(DbIndex db, Bytes key) const;
  void refuse_type(const rdb::DumpView& payload);
  void make_commands(const rdb::Entry& entry, int64_t grace_ms, Unit& unit);

  Target& target_;
  uint16_t link_;
  UnsupportedKeys& unsupported_;
  std::bitset<256> refused_types_;
  std::set<std::string> refused_modules_;
  std::string scratch_;
  std::string commands_;  ///< that make the value at hand
};

}  // namespace lockstep::engine
