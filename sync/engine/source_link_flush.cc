// FLUSHALL, FLUSHDB, FUNCTION DELETE and FLUSH of one of several sources: only what that source
// owned goes.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/engine/source_link.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

constexpr const char* scan_count = "1000";

}  // namespace

bool SourceLink::owns_slot(Bytes key) const {
  const Slot slot = cluster::slot_of(key);
  for (const auto& [first, last] : options_.slots) {
    if (slot >= first && slot <= last) return true;
  }
  return false;
}

asio::awaitable<void> SourceLink::flush_owned(std::vector<Bytes> args) {
  const bool all = args[0].size() == 8;  // FLUSHALL, not FLUSHDB
  if (fences_.has_pending()) co_await fence_pending();
  co_await target_.drain();
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const ServerInfo info = co_await read_server_info(target_.node(index).endpoint());
    for (const auto& [db, keys] : info.keys_by_db()) {
      if (all || DbIndex{db} == planner_.db())
        co_await flush_owned_on(target_.node(index).endpoint(), DbIndex{db});
    }
  }
  fences_.fence_again(planner_.settled());
  spdlog::info("{}: its keys were removed from the target, as it flushed them",
               options_.source.label());
}

asio::awaitable<void> SourceLink::flush_owned_on(net::Endpoint node, DbIndex db) {
  const auto client = co_await net::Client::connect(std::move(node));
  if (db.value > 0) {
    std::vector<std::string> select{"SELECT", std::to_string(db.value)};
    co_await client->command_or_throw(std::move(select));
  }
  std::string cursor = "0";
  do {
    std::vector<std::string> scan{"SCAN", cursor, "COUNT", scan_count};
    const resp::Value reply = co_await client->command_or_throw(std::move(scan));
    if (reply.items.size() != 2)
      throw UserError("SCAN on the target answered with something else than a cursor and keys");
    cursor = reply.items[0].text;
    std::vector<std::string> keys;
    for (const resp::Value& key : reply.items[1].items) {
      if (options_.slots.empty() || owns_slot(key.text)) keys.push_back(key.text);
    }
    if (options_.slots.empty())
      keys = co_await oracle_.not_elsewhere(options_.id, db, std::move(keys));
    co_await remove_keys(*client, std::move(keys));
  } while (cursor != "0");
}

asio::awaitable<void> SourceLink::remove_keys(net::Client& client, std::vector<std::string> keys) {
  std::string requests;
  for (const std::string& key : keys) resp::append_command(requests, {"DEL", key});
  const auto replies = co_await client.pipeline(std::move(requests), keys.size());
  for (const resp::Value& reply : replies) {
    if (reply.is_error())
      throw UserError("a key that the source flushed could not be removed from the target: " +
                      reply.text);
  }
}

std::set<std::string> library_names(const resp::Value& list) {
  std::set<std::string> names;
  for (const resp::Value& library : list.items) {
    for (size_t i = 0; i + 1 < library.items.size(); i += 2) {
      if (library.items[i].text == "library_name") names.insert(library.items[i + 1].text);
    }
  }
  return names;
}

asio::awaitable<void> SourceLink::remove_functions() {
  co_await target_.drain();
  const std::set<std::string> wanted = co_await oracle_.libraries();
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const auto client = co_await net::Client::connect(target_.node(index).endpoint());
    std::vector<std::string> list{"FUNCTION", "LIST"};
    const resp::Value present = co_await client->command_or_throw(std::move(list));
    for (const std::string& name : library_names(present)) {
      if (wanted.count(name) > 0) continue;
      std::vector<std::string> remove{"FUNCTION", "DELETE", name};
      const resp::Value reply = co_await client->command(std::move(remove));
      // Another link may have removed it at the same time.
      if (reply.is_error() && reply.text.find("not found") == std::string::npos)
        throw UserError(fmt::format("{}: FUNCTION DELETE {}: {}", client->endpoint().label(), name,
                                    reply.text));
    }
  }
}

}  // namespace lockstep::engine
