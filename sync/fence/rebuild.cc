#include "sync/fence/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sync/base/error.h"
#include "sync/rdb/score.h"
#include "sync/resp/encoder.h"

namespace lockstep::fence {
namespace {

constexpr size_t string_piece_bytes = 1 << 20;

std::string text_of(rdb::StreamId id) { return fmt::format("{}-{}", id.ms, id.seq); }

/// "7.2.4" → 702.
unsigned major_minor(Bytes version) {
  unsigned major = 0, minor = 0;
  const char* end = version.data() + version.size();
  const auto [dot, error] = std::from_chars(version.data(), end, major);
  if (error == std::errc{} && dot != end) std::from_chars(dot + 1, end, minor);
  return 100 * major + minor;
}

}  // namespace

const char* unsupported_name(Unsupported what) {
  switch (what) {
    case Unsupported::streams:
      return "streams";
    case Unsupported::field_expiry:
      return "field-expiry";
    case Unsupported::module:
      return "module";
    case Unsupported::database:
      return "database";
  }
  return "?";
}

RebuildOptions rebuild_options(Bytes redis_version, Bytes valkey_version) {
  const unsigned redis = major_minor(redis_version);
  const bool valkey = !valkey_version.empty();
  return {.streams = valkey || redis >= 500,
          .hash_field_expiry = valkey ? major_minor(valkey_version) >= 900 : redis >= 704,
          .stream_counters = valkey || redis >= 700,
          .create_consumer = valkey || redis >= 602};
}

Rebuilder::Rebuilder(std::string key, RebuildOptions options, Emit emit)
    : key_(std::move(key)), options_(options), emit_(std::move(emit)) {}

void Rebuilder::send(std::span<const Bytes> args) {
  out_.clear();
  resp::append_command(out_, args);
  emit_(out_);
}

void Rebuilder::send(std::initializer_list<Bytes> args) {
  send(std::span<const Bytes>(args.begin(), args.size()));
}

void Rebuilder::start() { send({"DEL", key_}); }

void Rebuilder::finish(std::optional<ExpireAt> expire_at) {
  flush();
  if (expire_at) send({"PEXPIREAT", key_, fmt::format_int(graced(*expire_at).ms).c_str()});
}

void Rebuilder::add(const char* command, std::initializer_list<Bytes> args) {
  command_ = command;
  for (const Bytes arg : args) resp::append_bulk(batch_, arg);
  batch_args_ += args.size();
  if (batch_.size() >= rebuild_bytes_max) flush();
}

void Rebuilder::flush() {
  if (batch_args_ == 0) return;
  out_.clear();
  resp::append_array_header(out_, 2 + batch_args_);
  resp::append_bulk(out_, command_);
  resp::append_bulk(out_, key_);
  out_ += batch_;
  batch_.clear();
  batch_args_ = 0;
  emit_(out_);
  flush_field_expiries();
}

/// One HPEXPIREAT for the fields of one batch that expire together.
void Rebuilder::flush_field_expiries() {
  std::ranges::sort(field_expiries_);
  for (auto first = field_expiries_.begin(); first != field_expiries_.end();) {
    const auto last = std::find_if(first, field_expiries_.end(),
                                   [&](const auto& field) { return field.first != first->first; });
    const fmt::format_int at(first->first), count(last - first);
    std::vector<Bytes> args = {
        "HPEXPIREAT", key_, {at.data(), at.size()}, "FIELDS", {count.data(), count.size()}};
    for (; first != last; ++first) args.push_back(first->second);
    send(args);
  }
  field_expiries_.clear();
}

void Rebuilder::on_string(Bytes text) {
  do {
    const Bytes piece = text.substr(0, string_piece_bytes);
    send({begun_ ? "APPEND" : "SET", key_, piece});
    begun_ = true;
    text.remove_prefix(piece.size());
  } while (!text.empty());
}

void Rebuilder::on_list_item(Bytes item) { add("RPUSH", {item}); }
void Rebuilder::on_set_member(Bytes member) { add("SADD", {member}); }
void Rebuilder::on_zset_member(Bytes member, double score) {
  add("ZADD", {rdb::format_score(score), member});
}

void Rebuilder::on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) {
  if (expire_at && !options_.hash_field_expiry)
    throw UnsupportedValue(
        Unsupported::field_expiry,
        fmt::format("the hash {} has fields that expire, which the target does not "
                    "know: use a target of Redis 7.4 or Valkey 9 or newer",
                    printable(key_)));
  if (expire_at) field_expiries_.emplace_back(expire_at->ms, field);
  add("HMSET", {field, value});
}

void Rebuilder::require_streams() const {
  if (!options_.streams)
    throw UnsupportedValue(Unsupported::streams,
                           fmt::format("{} is a stream, and the target has no streams: use a "
                                       "target of Redis 5.0 or newer",
                                       printable(key_)));
}

void Rebuilder::on_stream_entry(rdb::StreamId id, std::span<const std::pair<Bytes, Bytes>> fields) {
  require_streams();
  const std::string name = text_of(id);
  std::vector<Bytes> args = {"XADD", key_, name};
  for (const auto& [field, value] : fields) args.insert(args.end(), {field, value});
  send(args);
  begun_ = true;
}

void Rebuilder::on_stream_info(const rdb::StreamInfo& info) {
  require_streams();
  // An empty stream comes to be by adding an entry that is trimmed at once, as in the servers' AOF.
  if (!begun_) send({"XADD", key_, "MAXLEN", "0", "0-1", "x", "y"});
  const std::string last = text_of(info.last_id);
  if (!options_.stream_counters) return send({"XSETID", key_, last});
  const fmt::format_int added(info.entries_added.value_or(info.length));
  const std::string deleted = text_of(info.max_deleted_id.value_or(rdb::StreamId{}));
  send({"XSETID",
        key_,
        last,
        "ENTRIESADDED",
        {added.data(), added.size()},
        "MAXDELETEDID",
        deleted});
}

void Rebuilder::on_group(const rdb::StreamGroup& group) {
  group_ = group.name;
  pending_.clear();
  const std::string last = text_of(group.last_delivered_id);
  const int64_t read = group.entries_read.value_or(-1);
  if (!options_.stream_counters || read < 0) return send({"XGROUP", "CREATE", key_, group_, last});
  const fmt::format_int count(read);
  send({"XGROUP", "CREATE", key_, group_, last, "ENTRIESREAD", {count.data(), count.size()}});
}

void Rebuilder::on_group_pending(const rdb::PendingEntry& entry) { pending_.push_back(entry); }

void Rebuilder::on_consumer(const rdb::StreamConsumer& consumer) {
  consumer_ = consumer.name;
  if (options_.create_consumer) return send({"XGROUP", "CREATECONSUMER", key_, group_, consumer_});
  // Who asks for what is pending becomes a consumer.
  send({"XREADGROUP", "GROUP", group_, consumer_, "STREAMS", key_, "0"});
}

void Rebuilder::on_consumer_pending(rdb::StreamId id) {
  const auto entry = std::ranges::lower_bound(pending_, id, {}, &rdb::PendingEntry::id);
  if (entry == pending_.end() || entry->id != id)
    throw FormatError(0, "a consumer of stream " + printable(key_) +
                             " has a pending entry that its "
                             "group does not have: " +
                             text_of(id));
  const fmt::format_int time(entry->delivery_time_ms), count(entry->delivery_count);
  send({"XCLAIM",
        key_,
        group_,
        consumer_,
        "0",
        text_of(id),
        "TIME",
        {time.data(), time.size()},
        "RETRYCOUNT",
        {count.data(), count.size()},
        "FORCE",
        "JUSTID"});
}

void Rebuilder::on_module(Bytes name, Bytes) {
  throw UnsupportedValue(Unsupported::module,
                         fmt::format("{} is a value of the module type {}, which the target does "
                                     "not know: load the same module there",
                                     printable(key_), name));
}

void rebuild_value(std::string key, rdb::ValueType type, Bytes value,
                   std::optional<ExpireAt> expire_at, const RebuildOptions& options,
                   Rebuilder::Emit emit) {
  Rebuilder rebuilder(std::move(key), options, std::move(emit));
  rebuilder.start();
  rdb::decode(type, value, rebuilder);
  rebuilder.finish(expire_at);
}

}  // namespace lockstep::fence
