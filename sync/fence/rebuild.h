#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sync/base/error.h"
#include "sync/rdb/decode.h"

namespace lockstep::fence {

/// What a target may have no place for.
enum class Unsupported : uint8_t { streams, field_expiry, module, database };
/// "streams", "field-expiry", …
const char* unsupported_name(Unsupported what);

/// The target cannot hold the key, in whatever form it is sent.
class UnsupportedValue : public UserError {
 public:
  UnsupportedValue(Unsupported what, const std::string& message)
      : UserError(message), what_(what) {}
  Unsupported reason() const { return what_; }

 private:
  Unsupported what_;
};

/// What the target's commands can do, for values that it gets as commands.
struct RebuildOptions {
  bool streams = true;            ///< XADD: 5.0
  bool hash_field_expiry = true;  ///< HPEXPIREAT: Redis 7.4, Valkey 9
  bool stream_counters = true;    ///< XSETID … ENTRIESADDED, XGROUP … ENTRIESREAD: 7.0
  bool create_consumer = true;    ///< XGROUP CREATECONSUMER: 6.2
  /// Added to the key's expiry. Not to those of fields: in payloads and in the stream they are
  /// exact.
  int64_t expiry_grace_ms = 0;
};

/// The options for a server by what its INFO says; `valkey_version` is empty for Redis.
RebuildOptions rebuild_options(Bytes redis_version, Bytes valkey_version);

/// Turns one value into commands that make it anew on the target, none much longer than
/// rebuild_bytes_max unless one element is: DEL, then RPUSH, SADD, HMSET, ZADD of many elements
/// each, XADD an entry, XSETID, groups and their pending entries by XCLAIM, strings by SET and
/// APPEND.
///
/// Feed it with rdb::decode(), or rdb::decode_part() for each part of a large value, between
/// start() and finish(). Throws UnsupportedValue for what the target cannot hold: streams, fields
/// that expire where there is no HPEXPIREAT, values of modules.
///
/// What commands cannot make: pending entries whose entry was deleted, and the times when consumers
/// were last seen.
class Rebuilder : public rdb::Visitor {
 public:
  /// Gets each command as it goes to the server. The bytes live for the call only.
  using Emit = std::function<void(Bytes command)>;

  Rebuilder(std::string key, RebuildOptions options, Emit emit);
  void start();
  void finish(std::optional<ExpireAt> expire_at);

  void on_string(Bytes text) override;
  void on_list_item(Bytes item) override;
  void on_set_member(Bytes member) override;
  void on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) override;
  void on_zset_member(Bytes member, double score) override;
  void on_stream_entry(rdb::StreamId id, std::span<const std::pair<Bytes, Bytes>> fields) override;
  void on_stream_info(const rdb::StreamInfo& info) override;
  void on_group(const rdb::StreamGroup& group) override;
  void on_group_pending(const rdb::PendingEntry& entry) override;
  void on_consumer(const rdb::StreamConsumer& consumer) override;
  void on_consumer_pending(rdb::StreamId id) override;
  void on_module(Bytes name, Bytes raw) override;

 private:
  void require_streams() const;
  void send(std::span<const Bytes> args);
  void send(std::initializer_list<Bytes> args);
  /// Adds arguments to the batch of `command`; a full batch is sent.
  void add(const char* command, std::initializer_list<Bytes> args);
  void flush();
  void flush_field_expiries();
  ExpireAt graced(ExpireAt at) const { return {at.ms + options_.expiry_grace_ms}; }

  std::string key_;
  RebuildOptions options_;
  Emit emit_;
  const char* command_ = nullptr;  ///< of the batch
  std::string batch_;
  size_t batch_args_ = 0;
  std::string out_;
  bool begun_ = false;  ///< a string's or a stream's first piece was sent
  std::vector<std::pair<int64_t, std::string>> field_expiries_;
  std::string group_;
  std::string consumer_;
  std::vector<rdb::PendingEntry> pending_;  ///< of the group, in the order of ids
};

inline constexpr size_t rebuild_bytes_max = 64 << 10;

/// All commands for a value that is at hand whole.
void rebuild_value(std::string key, rdb::ValueType type, Bytes value,
                   std::optional<ExpireAt> expire_at, const RebuildOptions& options,
                   Rebuilder::Emit emit);

}  // namespace lockstep::fence
