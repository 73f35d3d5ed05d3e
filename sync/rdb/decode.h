#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/rdb/framer.h"

namespace lockstep::rdb {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;
  auto operator<=>(const StreamId&) const = default;
};

/// What a stream holds besides its entries. Fields that the type's version does not carry are
/// nullopt (type 15 has neither first_id, max_deleted_id nor entries_added).
struct StreamInfo {
  uint64_t length = 0;
  StreamId last_id;
  std::optional<StreamId> first_id{};
  std::optional<StreamId> max_deleted_id{};
  std::optional<uint64_t> entries_added{};
  bool operator==(const StreamInfo&) const = default;
};
struct StreamGroup {
  Bytes name{};
  StreamId last_delivered_id;
  std::optional<int64_t> entries_read{};  ///< nullopt before type 19; -1 is "invalid"
};
struct StreamConsumer {
  Bytes name{};
  int64_t seen_time_ms = 0;
  std::optional<int64_t> active_time_ms{};  ///< type 21 on
};
struct PendingEntry {
  StreamId id;
  int64_t delivery_time_ms = 0;
  uint64_t delivery_count = 0;
  bool operator==(const PendingEntry&) const = default;
};

/// Receives one value, element by element, in the order of the file. Views live for the call only.
/// A group's calls: on_group, then on_group_pending for each entry of its PEL (consumer unknown
/// yet), then on_consumer and on_consumer_pending (ids) for each of its consumers.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void on_string(Bytes) {}
  virtual void on_list_item(Bytes) {}
  virtual void on_set_member(Bytes) {}
  virtual void on_hash_field(Bytes /*field*/, Bytes /*value*/, std::optional<ExpireAt>) {}
  virtual void on_zset_member(Bytes, double) {}
  virtual void on_stream_entry(StreamId, std::span<const std::pair<Bytes, Bytes>>) {}
  virtual void on_stream_info(const StreamInfo&) {}
  virtual void on_group(const StreamGroup&) {}
  virtual void on_group_pending(const PendingEntry&) {}
  virtual void on_consumer(const StreamConsumer&) {}
  virtual void on_consumer_pending(StreamId) {}
  /// A module value cannot be decoded: its module's name (9 characters) and raw bytes.
  virtual void on_module(Bytes /*name*/, Bytes /*raw*/) {}
};

/// The logical type of a value type; nullopt if this byte is no value type that we know.
std::optional<Kind> kind_of(ValueType type);
const char* kind_name(Kind kind);

/// Walks a framed value. Total: any bytes give calls or a FormatError, never anything else.
/// Throws FormatError with the offset inside `value`.
void decode(ValueType type, Bytes value, Visitor& visitor);
/// Walks the elements of one BigPart. Of a string, on_string gets the part's bytes.
void decode_part(const BigPart& part, Visitor& visitor);

}  // namespace lockstep::rdb
