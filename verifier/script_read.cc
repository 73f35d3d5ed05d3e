#include "verifier/script_read.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/fence/fence.h"
#include "sync/resp/encoder.h"
#include "verifier/info_text.h"

namespace lockstep::verifier {

namespace {

constexpr size_t keys_per_pipeline = 16;
constexpr size_t answer_items = 5;
constexpr const char* script =
    "local t=redis.call('TIME') return {t[1],t[2],redis.call('PTTL',KEYS[1]),"
    "redis.call('DUMP',KEYS[1]),redis.call('INFO','replication')}";

void require_answer(const resp::Value& reply, const std::string& label, Bytes key) {
  if (!reply.is_error() && reply.items.size() == answer_items) return;
  const std::string message =
      fmt::format("{}: reading the key {}: {}", label, printable(key), reply.text);
  const Bytes code = reply.error_code();
  if (code == "NOPERM" || code == "ERR" || !reply.is_error()) {
    throw UserError(message + "; reading at a position needs +eval +time +pttl +dump +info");
  }
  if (auto redirect = cluster::parse_redirect(reply.text))
    throw fence::KeyMoved(message, std::move(*redirect));
  throw ConnectionError(message);
}

fence::FencedKey take(std::string key, const resp::Value& reply, const std::string& label) {
  require_answer(reply, label, key);
  fence::FencedKey result{
      .key = std::move(key),
      .dump_payload = std::nullopt,
      .expire_at = std::nullopt,
      .offset = {static_cast<int64_t>(info_number(reply.items[4].text, "master_repl_offset"))}};
  if (reply.items[3].is_null()) return result;
  result.dump_payload = reply.items[3].text;
  const int64_t now_ms =
      std::stoll(reply.items[0].text) * 1000 + std::stoll(reply.items[1].text) / 1000;
  if (reply.items[2].integer >= 0) result.expire_at = ExpireAt{now_ms + reply.items[2].integer};
  return result;
}

net::asio::awaitable<void> select(net::Client& client, DbIndex db) {
  std::vector<std::string> request{"SELECT", std::to_string(db.value)};
  co_await client.command_or_throw(std::move(request));
}

}  // namespace

net::asio::awaitable<std::vector<fence::FencedKey>> read_by_script(net::Client& client, DbIndex db,
                                                                   std::vector<std::string> keys) {
  if (db.value > 0) co_await select(client, db);
  std::vector<fence::FencedKey> result;
  while (result.size() < keys.size()) {
    const size_t first = result.size();
    const size_t count = std::min(keys_per_pipeline, keys.size() - first);
    std::string requests;
    for (size_t i = first; i < first + count; ++i)
      resp::append_command(requests, {"EVAL", script, "1", keys[i]});
    const auto replies = co_await client.pipeline(std::move(requests), count);
    for (size_t i = 0; i < count; ++i)
      result.push_back(take(keys[first + i], replies[i], client.endpoint().label()));
  }
  if (db.value > 0) co_await select(client, DbIndex{0});
  co_return result;
}

}  // namespace lockstep::verifier
