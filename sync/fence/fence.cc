#include "sync/fence/fence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"

namespace lockstep::fence {

namespace {

constexpr size_t keys_at_once = 16;
constexpr size_t replies_per_key = 6;

void append_read(std::string& out, const std::string& key) {
  resp::append_command(out, {"MULTI"});
  resp::append_command(out, {"TIME"});
  resp::append_command(out, {"PTTL", key});
  resp::append_command(out, {"DUMP", key});
  resp::append_command(out, {"INFO", "replication"});
  resp::append_command(out, {"EXEC"});
}

/// The offset of the stream that a replica of this server gets: `master_repl_offset` for primaries and replicas alike.
Offset parse_offset(Bytes info, const std::string& source) {
  static constexpr Bytes field = "master_repl_offset:";
  const size_t at = info.find(field);
  Offset offset{-1};
  if (at != Bytes::npos) std::from_chars(info.data() + at + field.size(), info.data() + info.size(), offset.value);
  if (offset.value < 0) throw UserError(fmt::format("{}: INFO replication does not tell master_repl_offset", source));
  return offset;
}

std::optional<ExpireAt> parse_expiry(const resp::Value& time, int64_t ttl_ms) {
  if (ttl_ms < 0 || time.items.size() != 2) return std::nullopt;
  return ExpireAt{std::stoll(time.items[0].text) * 1000 + std::stoll(time.items[1].text) / 1000 + ttl_ms};
}

FencedKey parse_read(const std::vector<resp::Value>& replies, size_t first, const std::string& key, const std::string& source) {
  const resp::Value& exec = replies[first + replies_per_key - 1];
  for (size_t i = first; i + 1 < first + replies_per_key; ++i) {
    if (replies[i].is_error()) throw UserError(fmt::format("{}: the key {} cannot be read again: {}", source, printable(key), replies[i].text));
  }
  if (exec.items.size() != replies_per_key - 2) {
    throw UserError(fmt::format("{}: the key {} cannot be read again: {}", source, printable(key), exec.is_error() ? exec.text : "EXEC was not applied"));
  }
  for (const resp::Value& item : exec.items) {
    if (item.is_error()) throw UserError(fmt::format("{}: the key {} cannot be read again: {}", source, printable(key), item.text));
  }
  FencedKey fenced{.key = key, .dump_payload = {}, .expire_at = {}, .offset = parse_offset(exec.items[3].text, source)};
  if (!exec.items[2].is_null()) {
    fenced.dump_payload = exec.items[2].text;
    fenced.expire_at = parse_expiry(exec.items[0], exec.items[1].integer);
  }
  return fenced;
}

}  // namespace

net::asio::awaitable<std::vector<FencedKey>> read_keys(net::Client& source, DbIndex db, std::vector<std::string> keys) {
  std::vector<FencedKey> result;
  for (size_t begin = 0; begin < keys.size(); begin += keys_at_once) {
    const size_t end = std::min(begin + keys_at_once, keys.size());
    std::string requests;
    // A connection of ours is always left in database 0.
    const size_t before = db.value > 0 ? 1 : 0;
    if (db.value > 0) resp::append_command(requests, {"SELECT", std::to_string(db.value)});
    for (size_t i = begin; i < end; ++i) append_read(requests, keys[i]);
    if (db.value > 0) resp::append_command(requests, {"SELECT", "0"});
    const size_t count = (end - begin) * replies_per_key + 2 * before;
    const auto replies = co_await source.pipeline(std::move(requests), count);
    const std::string label = source.endpoint().label();
    for (size_t i = begin; i < end; ++i) result.push_back(parse_read(replies, before + (i - begin) * replies_per_key, keys[i], label));
  }
  co_return result;
}

size_t append_write(std::string& out, const FencedKey& key, const RestoreForm& form, std::chrono::milliseconds grace, int64_t now_ms) {
  if (!key.dump_payload) {
    resp::append_command(out, {"DEL", key.key});
    return 1;
  }
  size_t replies = 1;
  if (!form.replace) {
    resp::append_command(out, {"DEL", key.key});
    ++replies;
  }
  const bool absolute = form.absttl && key.expire_at;
  int64_t ttl = 0;
  if (key.expire_at) ttl = absolute ? key.expire_at->ms + grace.count() : std::max<int64_t>(1, key.expire_at->ms + grace.count() - now_ms);
  const std::string ttl_text = std::to_string(ttl);
  std::vector<Bytes> args{"RESTORE", key.key, ttl_text, *key.dump_payload};
  if (form.replace) args.push_back("REPLACE");
  if (absolute) args.push_back("ABSTTL");
  resp::append_command(out, args);
  return replies;
}

}  // namespace lockstep::fence
