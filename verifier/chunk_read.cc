#include "verifier/chunk_read.h"

#include <algorithm>

#include "sync/resp/encoder.h"
#include "verifier/info_text.h"

namespace lockstep::verifier {

namespace {

constexpr size_t replies_per_key = 2;

Offset offset_of(const resp::Value& info) {
  return {static_cast<int64_t>(info_number(info.text, "master_repl_offset"))};
}

fence::FencedKey take(std::string key, const resp::Value& dump, const resp::Value& expiry,
                      Offset offset) {
  fence::FencedKey read{.key = std::move(key),
                        .dump_payload = std::nullopt,
                        .expire_at = std::nullopt,
                        .offset = offset};
  if (!dump.is_null()) read.dump_payload = dump.text;
  if (read.dump_payload && expiry.integer >= 0) read.expire_at = ExpireAt{expiry.integer};
  return read;
}

std::string requests_for(DbIndex db, const std::vector<std::string>& keys) {
  std::string requests;
  resp::append_command(requests, {"SELECT", std::to_string(db.value)});
  resp::append_command(requests, {"INFO", "replication"});
  for (const std::string& key : keys) {
    resp::append_command(requests, {"DUMP", key});
    resp::append_command(requests, {"PEXPIRETIME", key});
  }
  resp::append_command(requests, {"INFO", "replication"});
  resp::append_command(requests, {"SELECT", "0"});
  return requests;
}

}  // namespace

net::asio::awaitable<std::optional<std::vector<fence::FencedKey>>> read_at_one_offset(
    net::Client& client, DbIndex db, std::vector<std::string> keys) {
  constexpr size_t first_key = 2, behind_keys = 2;
  const size_t count = first_key + keys.size() * replies_per_key + behind_keys;
  const auto replies = co_await client.pipeline(requests_for(db, keys), count);
  const bool refused = std::any_of(replies.begin(), replies.end(),
                                   [](const resp::Value& reply) { return reply.is_error(); });
  const Offset offset = offset_of(replies[1]);
  if (refused || offset_of(replies[count - behind_keys]) != offset) co_return std::nullopt;
  std::vector<fence::FencedKey> result;
  for (size_t i = 0; i < keys.size(); ++i) {
    const size_t at = first_key + i * replies_per_key;
    result.push_back(take(std::move(keys[i]), replies[at], replies[at + 1], offset));
  }
  co_return result;
}

}  // namespace lockstep::verifier
