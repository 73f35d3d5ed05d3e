#include "verifier/watched_read.h"

#include "sync/resp/encoder.h"
#include "verifier/held_reader.h"
#include "verifier/node_request.h"
#include "verifier/piece_reader.h"

namespace lockstep::verifier {

namespace {

constexpr uint32_t pexpiretime_since = 70000;
constexpr std::chrono::seconds silence_max{60};

/// Its text lives until the reader is used again.
asio::awaitable<Reply> next(ReplyReader& reader) {
  Reply reply;
  for (bool there = reader.next(reply); !there; there = reader.next(reply))
    co_await reader.receive();
  co_return reply;
}

/// A reply that is short.
asio::awaitable<resp::Value> next_value(ReplyReader& reader) {
  const Reply reply = co_await next(reader);
  resp::Value value;
  value.type = reply.type;
  value.text = reply.text;
  value.integer = reply.integer;
  const int64_t items = reply.type == resp::Type::array ? reply.integer : 0;
  for (int64_t i = 0; i < items; ++i) {
    resp::Value item = co_await next_value(reader);
    value.items.push_back(std::move(item));
  }
  co_return value;
}

constexpr size_t dump_commands = 8;

std::string dump_requests(const std::string& key, bool absolute) {
  std::string requests;
  resp::append_command(requests, {"WATCH", key});
  resp::append_command(requests, {"INFO", "replication"});
  resp::append_command(requests, {"DUMP", key});
  resp::append_command(requests, {"TIME"});
  resp::append_command(requests, {absolute ? "PEXPIRETIME" : "PTTL", key});
  resp::append_command(requests, {"TIME"});
  resp::append_command(requests, {"MULTI"});
  resp::append_command(requests, {"EXEC"});
  return requests;
}

/// What follows the payload.
asio::awaitable<std::optional<ExpireAt>> read_expiry(ReplyReader& reader, bool absolute,
                                                     int64_t now_ms) {
  const int64_t before_ms = time_ms(co_await next_value(reader), now_ms);
  const resp::Value left = co_await next_value(reader);
  const int64_t after_ms = time_ms(co_await next_value(reader), now_ms);
  if (left.integer < 0 || left.is_error()) co_return std::nullopt;
  co_return ExpireAt{absolute ? left.integer
                              : before_ms + (after_ms - before_ms) / 2 + left.integer};
}

void take(const PayloadDigest::Value& payload, std::optional<ExpireAt> expire_at, size_t node,
          BigValue& value) {
  value.kind = payload.kind;
  value.payload = payload;
  value.reading.expire_at = expire_at;
  value.reading.nodes.push_back(node);
}

asio::awaitable<void> read_dumped_at(Side& side, size_t node, std::string key,
                                     DumpedValue& dumped) {
  net::Client& client = *side.node(node).client;
  const bool absolute = side.node(node).version_number >= pexpiretime_since;
  const std::string requests = dump_requests(key, absolute);
  const asio::const_buffer buffer = asio::buffer(requests);
  const std::span<const asio::const_buffer> buffers(&buffer, 1);
  co_await side.await_turn(node, dump_commands);
  co_await client.stream().write(buffers);
  ReplyReader reader(client, silence_max);
  const resp::Value watched = co_await next_value(reader);
  require_no_error(side, node, "WATCH", watched);
  const resp::Value info = co_await next_value(reader);
  const StreamPosition position = position_of(side.node(node), info.text);
  dumped.positions[position.replid] = position.offset;
  std::optional<PayloadDigest::Value> payload;
  std::string trouble;  // the other replies are read all the same
  try {
    payload = co_await read_payload(reader, client.endpoint().label());
  } catch (const Undecodable& error) {
    trouble = error.what();
  }
  const auto expire_at = co_await read_expiry(reader, absolute, side.now_ms(node));
  co_await next(reader);
  const Reply end = co_await next(reader);
  dumped.changed = dumped.changed || end.is_null();
  for (bool idle = reader.idle(); !idle; idle = reader.idle()) co_await reader.receive();
  if (payload) take(*payload, expire_at, node, dumped.value);
  if (!trouble.empty()) throw Undecodable(0, trouble);
}

}  // namespace

asio::awaitable<void> watch(Side& side, Candidate key) {
  for (const size_t node : side.holders(key.key)) {
    std::vector<std::string> words{"WATCH", key.key};
    co_await select(side, node, DbIndex{0}, key.db);
    co_await ask(side, node, std::move(words));
    co_await select(side, node, key.db, DbIndex{0});
  }
}

asio::awaitable<bool> unchanged(Side& side, Candidate key) {
  bool same = true;
  for (const size_t node : side.holders(key.key)) {
    std::vector<std::string> begin{"MULTI"}, end{"EXEC"};
    co_await ask(side, node, std::move(begin));
    const resp::Value reply = co_await ask(side, node, std::move(end));
    same = same && !reply.is_null();
  }
  co_return same;
}

asio::awaitable<DumpedValue> read_dumped(Side& side, Candidate key) {
  DumpedValue dumped;
  for (const size_t node : side.holders(key.key)) {
    co_await select(side, node, DbIndex{0}, key.db);
    co_await read_dumped_at(side, node, key.key, dumped);
    co_await select(side, node, key.db, DbIndex{0});
    dumped.value.reading.now_ms = side.now_ms(node);
  }
  co_return dumped;
}

}  // namespace lockstep::verifier
