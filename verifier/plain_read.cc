#include "verifier/plain_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "sync/base/error.h"
#include "sync/fence/fence.h"
#include "sync/resp/encoder.h"

namespace lockstep::verifier {

namespace {

constexpr size_t keys_per_pipeline = 16;
constexpr size_t replies_per_key = 4;
constexpr int reads_max = 4;

/// A key elsewhere, a server that loads: what may pass. The rest a person must settle.
void require_answer(const resp::Value& reply, const std::string& label, Bytes key) {
  if (!reply.is_error()) return;
  const std::string message =
      fmt::format("{}: reading the key {}: {}", label, printable(key), reply.text);
  if (auto redirect = cluster::parse_redirect(reply.text))
    throw fence::KeyMoved(message, std::move(*redirect));
  if (reply.error_code() == "NOPERM" || reply.error_code() == "ERR") {
    throw UserError(message + "; verifying needs +time +pttl +dump");
  }
  throw ConnectionError(message);
}

int64_t time_ms(const resp::Value& reply) {
  if (reply.items.size() != 2) throw FormatError(0, "TIME: unexpected reply");
  return std::stoll(reply.items[0].text) * 1000 + std::stoll(reply.items[1].text) / 1000;
}

struct PlainRead {
  fence::FencedKey key;
  bool exact = true;
};

PlainRead take(std::string key, std::span<const resp::Value> replies, const std::string& label) {
  for (const resp::Value& reply : replies) require_answer(reply, label, key);
  PlainRead read{.key = {.key = std::move(key),
                         .dump_payload = std::nullopt,
                         .expire_at = std::nullopt,
                         .offset = {}}};
  if (replies[3].is_null()) return read;
  read.key.dump_payload = replies[3].text;
  if (replies[1].integer < 0) return read;
  const int64_t before_ms = time_ms(replies[0]), after_ms = time_ms(replies[2]);
  read.key.expire_at = ExpireAt{before_ms + (after_ms - before_ms) / 2 + replies[1].integer};
  read.exact = before_ms == after_ms;
  return read;
}

net::asio::awaitable<void> select(net::Client& client, DbIndex db) {
  std::vector<std::string> request{"SELECT", std::to_string(db.value)};
  co_await client.command_or_throw(std::move(request));
}

net::asio::awaitable<std::vector<PlainRead>> read_batch(net::Client& client,
                                                        std::vector<std::string> keys) {
  std::string requests;
  for (const std::string& key : keys) {
    resp::append_command(requests, {"TIME"});
    resp::append_command(requests, {"PTTL", key});
    resp::append_command(requests, {"TIME"});
    resp::append_command(requests, {"DUMP", key});
  }
  const auto replies = co_await client.pipeline(std::move(requests), keys.size() * replies_per_key);
  std::vector<PlainRead> reads;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto own = std::span(replies).subspan(i * replies_per_key, replies_per_key);
    reads.push_back(take(std::move(keys[i]), own, client.endpoint().label()));
  }
  co_return reads;
}

}  // namespace

net::asio::awaitable<std::vector<fence::FencedKey>> read_plainly(net::Client& client, DbIndex db,
                                                                 std::vector<std::string> keys) {
  if (db.value > 0) co_await select(client, db);
  std::vector<fence::FencedKey> result;
  while (result.size() < keys.size()) {
    const auto first = keys.begin() + static_cast<ptrdiff_t>(result.size());
    const size_t count = std::min(keys_per_pipeline, keys.size() - result.size());
    std::vector<std::string> some(first, first + static_cast<ptrdiff_t>(count));
    std::vector<PlainRead> reads = co_await read_batch(client, std::move(some));
    for (PlainRead& read : reads) {
      for (int again = 1; again < reads_max && !read.exact; ++again) {
        std::vector<std::string> one(1, read.key.key);
        std::vector<PlainRead> anew = co_await read_batch(client, std::move(one));
        read = std::move(anew.front());
      }
      result.push_back(std::move(read.key));
    }
  }
  if (db.value > 0) co_await select(client, DbIndex{0});
  co_return result;
}

}  // namespace lockstep::verifier
