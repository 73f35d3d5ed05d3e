#include "verifier/plain_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"

namespace lockstep::verifier {

namespace {

constexpr size_t keys_per_pipeline = 16;
constexpr size_t replies_per_key = 3;

/// A key elsewhere, a server that loads: what may pass. The rest a person must settle.
void require_answer(const resp::Value& reply, const std::string& label, Bytes key) {
  if (!reply.is_error()) return;
  const std::string message =
      fmt::format("{}: reading the key {}: {}", label, printable(key), reply.text);
  if (reply.error_code() == "NOPERM" || reply.error_code() == "ERR") {
    throw UserError(message + "; verifying needs +time +pttl +dump");
  }
  throw ConnectionError(message);
}

int64_t time_ms(const resp::Value& reply) {
  if (reply.items.size() != 2) throw FormatError(0, "TIME: unexpected reply");
  return std::stoll(reply.items[0].text) * 1000 + std::stoll(reply.items[1].text) / 1000;
}

fence::FencedKey take(std::string key, std::span<const resp::Value> replies,
                      const std::string& label) {
  for (const resp::Value& reply : replies) require_answer(reply, label, key);
  fence::FencedKey result{
      .key = std::move(key), .dump_payload = std::nullopt, .expire_at = std::nullopt, .offset = {}};
  if (replies[2].is_null()) return result;
  result.dump_payload = replies[2].text;
  if (replies[1].integer >= 0)
    result.expire_at = ExpireAt{time_ms(replies[0]) + replies[1].integer};
  return result;
}

net::asio::awaitable<void> select(net::Client& client, DbIndex db) {
  std::vector<std::string> request{"SELECT", std::to_string(db.value)};
  co_await client.command_or_throw(std::move(request));
}

}  // namespace

net::asio::awaitable<std::vector<fence::FencedKey>> read_plainly(net::Client& client, DbIndex db,
                                                                 std::vector<std::string> keys) {
  if (db.value > 0) co_await select(client, db);
  std::vector<fence::FencedKey> result;
  while (result.size() < keys.size()) {
    const size_t first = result.size();
    const size_t count = std::min(keys_per_pipeline, keys.size() - first);
    std::string requests;
    for (size_t i = first; i < first + count; ++i) {
      resp::append_command(requests, {"TIME"});
      resp::append_command(requests, {"PTTL", keys[i]});
      resp::append_command(requests, {"DUMP", keys[i]});
    }
    const auto replies = co_await client.pipeline(std::move(requests), count * replies_per_key);
    for (size_t i = 0; i < count; ++i) {
      const auto own = std::span(replies).subspan(i * replies_per_key, replies_per_key);
      result.push_back(take(keys[first + i], own, client.endpoint().label()));
    }
  }
  if (db.value > 0) co_await select(client, DbIndex{0});
  co_return result;
}

}  // namespace lockstep::verifier
