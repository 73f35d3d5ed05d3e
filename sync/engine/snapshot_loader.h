#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/script_store.h"
#include "sync/engine/target.h"
#include "sync/engine/value_writer.h"
#include "sync/fence/rebuild.h"
#include "sync/rdb/framer.h"

namespace lockstep::engine {

struct LoaderOptions {
  std::chrono::milliseconds expiry_grace{0};
  size_t plain_string_bytes_max = 1024;  ///< longer strings go as RESTORE
};

struct LoaderCounters {
  uint64_t keys = 0;
  uint64_t restored = 0;  ///< as DUMP payload
  uint64_t plain = 0;     ///< strings as MSET or SET
  uint64_t rebuilt = 0;   ///< decoded and sent as commands
  uint64_t left_out = 0;  ///< the target cannot hold them
  uint64_t functions = 0;
  uint64_t functions_left_out = 0;
};

/// Turns the keys of one link's snapshot into requests for the target: RESTORE of the framed bytes,
/// short strings without expiry as MSET (SET into a cluster), the rest by rule of
/// sync/engine/README.md. Awaits nothing; the caller passes the target's gate.
class SnapshotLoader {
 public:
  SnapshotLoader(Target& target, uint16_t link, LoaderOptions options, ScriptStore& scripts,
                 UnsupportedKeys& unsupported);

  void start(Offset offset) { offset_ = offset; }
  /// Drops what is still being collected, and counts anew: the snapshot is not to be had to its
  /// end.
  /// Returns the names of the function libraries that it has loaded.
  std::set<std::string> forget();
  void on_entry(const rdb::Entry& entry);
  void on_big_begin(const rdb::Entry& entry);
  void on_big_part(const rdb::BigPart& part);
  void on_big_end();
  void on_function(Bytes code);
  void on_aux(Bytes name, Bytes value);
  /// Hands over what is still being collected. Call before anything is awaited for long.
  void flush();

  /// A payload that the target refused: the value again, as commands. Other values of its type go
  /// as commands from now on.
  void rebuild(Bytes requests, const Unit& unit);
  ValueWriter& values() { return values_; }

  /// The key of the large value that is being loaded in parts; nullptr: none.
  const std::string* big_key() const { return big_ ? &big_key_ : nullptr; }
  DbIndex big_db() const { return big_db_; }
  /// It has been settled otherwise: what is left of it is dropped.
  void abandon_big() { big_.reset(); }

  /// The database that the stream behind the snapshot begins in.
  DbIndex stream_db() const { return stream_db_; }
  const LoaderCounters& counters() const { return counters_; }

 private:
  bool plain_string(const rdb::Entry& entry);
  void add_plain(const rdb::Entry& entry);
  void write(const rdb::Entry& entry);
  void count(ValueWriter::Form form);
  void give_up_big(const fence::UnsupportedValue& why);
  void end_unit(TargetNode& node, DbIndex db, uint32_t replies, UnitKind kind);

  Target& target_;
  uint16_t link_;
  LoaderOptions options_;
  ScriptStore& scripts_;
  Offset offset_;
  DbIndex stream_db_;
  UnsupportedKeys& unsupported_;
  ValueWriter values_;

  std::string text_;   ///< the plain string at hand, decoded
  std::string batch_;  ///< pairs of an MSET being collected
  uint32_t batch_pairs_ = 0;
  DbIndex batch_db_;

  std::unique_ptr<fence::Rebuilder> big_;  ///< of the value that comes in parts
  std::string big_key_;
  DbIndex big_db_;
  std::optional<ExpireAt> big_expire_at_;
  std::set<std::string> libraries_;
  LoaderCounters counters_;
};

}  // namespace lockstep::engine
