#include "sync/engine/finalize.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/this_coro.hpp>

#include "sync/base/error.h"
#include "sync/base/units.h"
#include "sync/cluster/slot.h"
#include "sync/engine/pipeline.h"
#include "sync/engine/request_errors.h"
#include "sync/engine/wake.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

constexpr const char* scan_count = "1000";
constexpr std::chrono::milliseconds retry_pause{200};
constexpr int64_t no_key = -2;

struct Key {
  std::string name;
  int64_t expire_at_ms = no_key;  ///< on its source; -1: none, -2: no such key
};

/// One EXISTS-like question for each key, with SELECT around them, to a client or link that
/// pipelines.
std::string questions(DbIndex db, const std::vector<Key*>& keys, bool absolute) {
  std::string requests;
  resp::append_command(requests, {"SELECT", std::to_string(db.value)});
  resp::append_command(requests, {"TIME"});
  for (const Key* key : keys)
    resp::append_command(requests, {absolute ? "PEXPIRETIME" : "PTTL", key->name});
  resp::append_command(requests, {"SELECT", "0"});
  return requests;
}

/// TIME's reply in milliseconds.
int64_t parse_time_ms(const resp::Value& reply, const std::string& server) {
  if (reply.items.size() != 2)
    throw UserError(
        fmt::format("{} does not tell its time: the expiries of its keys are relative "
                    "to it",
                    server));
  return std::stoll(reply.items[0].text) * 1000 + std::stoll(reply.items[1].text) / 1000;
}

asio::awaitable<void> ask_link(SourceLink& link, DbIndex db, std::vector<Key*> keys) {
  const std::string source = link.options().source.label();
  const ServerInfo info = co_await link.source_info();
  const bool absolute = version_number(info.version) >= 70000;
  std::string requests = questions(db, keys, absolute);
  const auto replies = co_await link.ask_source_many(std::move(requests), keys.size() + 3);
  if (lacks_database(replies.front())) co_return;
  require_answers(std::span(replies).first(absolute ? 1 : 2), "SELECT and TIME", source);
  const auto expiries = std::span(replies).subspan(2, keys.size());
  require_numbers(expiries, absolute ? "PEXPIRETIME" : "PTTL", source);
  const int64_t now = absolute ? 0 : parse_time_ms(replies[1], source);
  for (size_t i = 0; i < keys.size(); ++i) {
    const int64_t reply = expiries[i].integer;
    if (reply != no_key) keys[i]->expire_at_ms = reply < 0 ? reply : now + reply;
  }
}

/// The keys that may be this link's: by slot, or all for a server that is not in a cluster.
std::vector<Key*> keys_of(const LinkOptions& link, std::vector<Key>& keys) {
  std::vector<Key*> mine;
  for (Key& key : keys) {
    const Slot slot = cluster::slot_of(key.name);
    const bool owned = link.slots.empty() ||
                       std::any_of(link.slots.begin(), link.slots.end(), [&](const auto& range) {
                         return slot >= range.first && slot <= range.second;
                       });
    if (owned) mine.push_back(&key);
  }
  return mine;
}

asio::awaitable<std::vector<Key>> keys_with_expiry(net::Client& client, std::string& cursor) {
  std::vector<std::string> scan{"SCAN", cursor, "COUNT", scan_count};
  const resp::Value reply = co_await ask_target(client, std::move(scan));
  if (reply.items.size() != 2)
    throw UserError("SCAN on the target answered with something else than a cursor and keys");
  cursor = reply.items[0].text;
  std::string requests;
  for (const resp::Value& key : reply.items[1].items)
    resp::append_command(requests, {"PTTL", key.text});
  const size_t count = reply.items[1].items.size();
  const auto ttls = co_await client.pipeline(std::move(requests), count);
  std::vector<Key> keys;
  for (size_t i = 0; i < count; ++i) {
    require_done(ttls[i], "PTTL", client);
    if (ttls[i].integer >= 0) keys.push_back({reply.items[1].items[i].text, no_key});
  }
  co_return keys;
}

asio::awaitable<size_t> write_expiries(net::Client& client, std::vector<Key> keys) {
  std::string requests;
  size_t count = 0;
  for (const Key& key : keys) {
    if (key.expire_at_ms < 0) continue;
    resp::append_command(requests, {"PEXPIREAT", key.name, std::to_string(key.expire_at_ms)});
    ++count;
  }
  const auto replies = co_await client.pipeline(std::move(requests), count);
  for (const resp::Value& reply : replies) require_done(reply, "an exact expiry", client);
  co_return count;
}

asio::awaitable<size_t> finalize_database(Pipeline& pipeline, net::Endpoint node, DbIndex db) {
  const auto client = co_await net::Client::connect(std::move(node));
  if (db.value > 0) {
    std::vector<std::string> select{"SELECT", std::to_string(db.value)};
    co_await ask_target(*client, std::move(select));
  }
  size_t written = 0;
  std::string cursor = "0";
  do {
    std::vector<Key> keys = co_await keys_with_expiry(*client, cursor);
    for (auto& link : pipeline.links()) {
      std::vector<Key*> mine = keys_of(link->options(), keys);
      if (!mine.empty()) co_await ask_link(*link, db, std::move(mine));
    }
    written += co_await write_expiries(*client, std::move(keys));
  } while (cursor != "0");
  co_return written;
}

asio::awaitable<size_t> finalize_node(Pipeline& pipeline, net::Endpoint node) {
  const auto client = co_await net::Client::connect(node);
  std::vector<std::string> request{"INFO"};
  const resp::Value info = co_await ask_target(*client, std::move(request));
  size_t written = 0;
  for (const auto& [db, expires] : parse_info(info.text).expires_by_db()) {
    if (expires > 0) written += co_await finalize_database(pipeline, node, DbIndex{db});
  }
  co_return written;
}

asio::awaitable<size_t> finalize_nodes(Pipeline& pipeline) {
  size_t written = 0;
  for (size_t i = 0; i < pipeline.target().node_count(); ++i) {
    const net::Endpoint node = pipeline.target().node(i).endpoint();
    written += co_await finalize_node(pipeline, node);
  }
  co_return written;
}

}  // namespace

// Absolute expiries may be written twice: where a node was away, or is another one now, all are
// begun again.
asio::awaitable<void> write_exact_expiries(Pipeline& pipeline) {
  const std::chrono::milliseconds patience = pipeline.options().retry_for;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    std::string trouble;
    try {
      const size_t written = co_await finalize_nodes(pipeline);
      spdlog::info("exact expiries written for {} keys", format_count(written));
      co_return;
    } catch (const ConnectionError& error) {
      trouble = error.what();
    }
    if (pipeline.closed() || std::chrono::steady_clock::now() >= deadline) {
      throw UserError(fmt::format(
          "exact expiries could not be written within {} (--retry-for), keys of the target expire "
          "later than on the source: {}; finalize again",
          format_duration(patience), trouble));
    }
    spdlog::warn("exact expiries are begun again: {}", trouble);
    pipeline.target().find_anew(trouble);
    co_await pause_for(co_await asio::this_coro::executor, retry_pause);
    co_await pipeline.target().drain();
  }
}

}  // namespace lockstep::engine
