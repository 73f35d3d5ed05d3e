// FLUSHALL, FLUSHDB, SWAPDB and FUNCTION DELETE: what is done with nothing else under way. Of
// several sources, only what that source owned goes.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>

#include "sync/base/error.h"
#include "sync/base/own_keys.h"
#include "sync/cluster/slot.h"
#include "sync/engine/request_errors.h"
#include "sync/engine/source_link.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

constexpr const char* scan_count = "1000";
constexpr size_t flushall_length = 8;  ///< FLUSHDB has seven letters
constexpr std::chrono::milliseconds target_retry_pause{200};
/// Longer than the engine would wait for a target that is away.
constexpr const char* marker_lifetime_s = "172800";

/// SWAPDB for servers before 4.0, in one piece: the names of the first database get a prefix, so
/// that nothing stands in the way of the keys that come from the second. Before 3.0 MOVE drops
/// expiries.
constexpr const char* swap_script = R"(
local a, b, prefix = ARGV[1], ARGV[2], ARGV[3]
local function move(from, key, to)
  redis.call('SELECT', from)
  local left = redis.call('PTTL', key)
  redis.call('MOVE', key, to)
  redis.call('SELECT', to)
  if left > 0 and redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, left) end
end
redis.call('SELECT', b)
local of_b = redis.call('KEYS', '*')
redis.call('SELECT', a)
local of_a = redis.call('KEYS', '*')
for _, key in ipairs(of_a) do
  redis.call('SELECT', a)
  redis.call('RENAME', key, prefix .. key)
  move(a, prefix .. key, b)
end
for _, key in ipairs(of_b) do move(b, key, a) end
redis.call('SELECT', b)
for _, key in ipairs(of_a) do redis.call('RENAME', prefix .. key, key) end
redis.call('SELECT', a)
return #of_a + #of_b)";

DbIndex parse_db(Bytes text) {
  DbIndex db;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, db.value).ptr != end)
    throw UserError(fmt::format("the source's stream names the database \"{}\"", printable(text)));
  return db;
}

/// A target that does not take writes now may later.
void require_writable_now(const ServerInfo& info, const net::Endpoint& node) {
  if (info.loading || info.role == "slave")
    throw ConnectionError(fmt::format("{} takes no writes now", node.label()));
}

}  // namespace

bool SourceLink::owns_slot(Bytes key) const {
  const Slot slot = cluster::slot_of(key);
  for (const auto& [first, last] : options_.slots) {
    if (slot >= first && slot <= last) return true;
  }
  return false;
}

// Over connections of its own, when nothing of this link is under way, again and again until the
// target has let it happen: `work` may be done more than once.
asio::awaitable<void> SourceLink::on_target(const char* what,
                                            std::function<asio::awaitable<void>()> work) {
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  while (true) {
    do {
      if (!target_.open_for_producers()) co_await target_.enter();
      co_await target_.drain(options_.id);
    } while (!target_.open_for_producers());
    std::string trouble;
    try {
      const Target::SideWork beside(target_);
      co_await work();
    } catch (const ConnectionError& error) {
      trouble = error.what();
    }
    if (trouble.empty()) co_return;
    if (closed_) throw Closed("the link was closed");
    if (std::chrono::steady_clock::now() > deadline) {
      throw UserError(fmt::format("{}: {} was not possible within {}: {}", options_.source.label(),
                                  what, format_duration(options_.retry_for), trouble));
    }
    spdlog::warn("{}: {}: {}; retrying", options_.source.label(), what, trouble);
    target_.find_anew(trouble);  // it may have failed over while nothing was under way to notice it
    co_await pause_for(executor_, target_retry_pause);
  }
}

// Alone, because it may have to be sent again, to all nodes, when one does not answer. FLUSHDB not
// behind a SELECT that may be refused.
asio::awaitable<void> SourceLink::flush(std::vector<Bytes> args) {
  if (args[0].size() != flushall_length) co_return co_await flush_database();
  co_await target_.drain(options_.id);
  if (!target_.open_for_producers()) co_await target_.enter();
  planner_.flush(args[0]);
  forget_unsupported(args[0]);
  co_await target_.drain(options_.id);
  fences_.fence_again(planner_.settled());
}

asio::awaitable<void> SourceLink::flush_database() {
  const DbIndex db = planner_.db();
  unsupported_.clear(db);
  if (db.value < target_.abilities().databases) {
    const auto work = [this, db] { return flush_database_once(db); };
    co_await on_target("FLUSHDB", work);
  }
  fences_.fence_again(planner_.settled());
}

asio::awaitable<void> SourceLink::flush_database_once(DbIndex db) {
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const auto client = co_await net::Client::connect(target_.node(index).endpoint());
    std::vector<std::string> select{"SELECT", std::to_string(db.value)}, flush{"FLUSHDB"};
    co_await ask_target(*client, std::move(select));
    co_await ask_target(*client, std::move(flush));
  }
}

void SourceLink::forget_unsupported(Bytes flush) {
  if (flush.size() == flushall_length)
    unsupported_.clear();
  else
    unsupported_.clear(planner_.db());
}

asio::awaitable<void> SourceLink::swap_databases(std::vector<Bytes> args) {
  if (args.size() != 3) throw UserError("the source's stream holds SWAPDB without two databases");
  const DbIndex a = parse_db(args[1]), b = parse_db(args[2]);
  const std::string marker =
      fmt::format("{}swapdb:{}:{}", own_key_prefix, start_.replid.value, planner_.settled().value);
  if (fences_.has_pending()) co_await fence_pending();
  const uint32_t databases = target_.abilities().databases;
  if (a.value >= databases || b.value >= databases)
    throw UserError(
        fmt::format("the source swapped the databases {} and {}, and the target has only "
                    "{} (source offset {})",
                    a.value, b.value, databases, planner_.settled().value));
  unsupported_.swap(a, b);
  const auto work = [&] { return swap_once(a, b, marker); };
  co_await on_target("SWAPDB", work);
  fences_.fence_again_in(planner_.settled(), {a, b});
}

// The marker goes into database a in the same transaction as the swap: where it is found in b, the
// swap has happened.
asio::awaitable<void> SourceLink::swap_once(DbIndex a, DbIndex b, std::string marker) {
  const auto client = co_await net::Client::connect(target_.node(0).endpoint());
  const std::string from = std::to_string(a.value), to = std::to_string(b.value);
  std::string look, swap, clean;
  resp::append_command(look, {"SELECT", to});
  resp::append_command(look, {"EXISTS", marker});
  const auto found = co_await client->pipeline(std::move(look), 2);
  for (const resp::Value& reply : found) require_done(reply, "SWAPDB", *client);
  if (found.back().integer == 0) {
    resp::append_command(swap, {"SELECT", from});
    resp::append_command(swap, {"MULTI"});
    resp::append_command(swap, {"SET", marker, "1", "EX", marker_lifetime_s});
    if (target_.abilities().dialect.knows("swapdb"))
      resp::append_command(swap, {"SWAPDB", from, to});
    else
      resp::append_command(swap, {"EVAL", swap_script, "0", from, to, "lockstep:swapdb:"});
    resp::append_command(swap, {"EXEC"});
    resp::append_command(swap, {"SELECT", to});
    const auto replies = co_await client->pipeline(std::move(swap), 6);
    for (const resp::Value& reply : replies) require_done(reply, "SWAPDB", *client);
  }
  resp::append_command(clean, {"DEL", marker});
  const auto cleaned = co_await client->pipeline(std::move(clean), 1);
  require_done(cleaned.front(), "SWAPDB", *client);
}

asio::awaitable<void> SourceLink::flush_owned(std::vector<Bytes> args) {
  const bool all = args[0].size() == flushall_length;
  forget_unsupported(args[0]);
  if (fences_.has_pending()) co_await fence_pending();
  const auto work = [&] { return remove_owned(all); };
  co_await on_target("the removal of flushed keys", work);
  fences_.fence_again(planner_.settled());
  spdlog::info("{}: its keys were removed from the target, as it flushed them",
               options_.source.label());
}

asio::awaitable<ServerInfo> SourceLink::ask_target_info(net::Endpoint node) {
  const auto client = co_await net::Client::connect(std::move(node));
  std::vector<std::string> question{"INFO"};
  const resp::Value answer = co_await ask_target(*client, std::move(question));
  co_return parse_info(answer.text);
}

asio::awaitable<void> SourceLink::remove_owned(bool all) {
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const net::Endpoint node = target_.node(index).endpoint();
    const ServerInfo info = co_await ask_target_info(node);
    require_writable_now(info, node);
    for (const auto& [db, keys] : info.keys_by_db()) {
      if (all || DbIndex{db} == planner_.db()) co_await flush_owned_on(node, DbIndex{db});
    }
  }
}

asio::awaitable<void> SourceLink::flush_owned_on(net::Endpoint node, DbIndex db) {
  const auto client = co_await net::Client::connect(std::move(node));
  if (db.value > 0) {
    std::vector<std::string> select{"SELECT", std::to_string(db.value)};
    co_await ask_target(*client, std::move(select));
  }
  std::string cursor = "0";
  do {
    if (closed_) throw Closed("the link was closed");
    std::vector<std::string> scan{"SCAN", cursor, "COUNT", scan_count};
    const resp::Value reply = co_await ask_target(*client, std::move(scan));
    if (reply.items.size() != 2)
      throw UserError("SCAN on the target answered with something else than a cursor and keys");
    cursor = reply.items[0].text;
    std::vector<std::string> keys;
    for (const resp::Value& key : reply.items[1].items) {
      if (options_.slots.empty() || owns_slot(key.text)) keys.push_back(key.text);
    }
    co_await remove_flushed(*client, db, std::move(keys));
  } while (cursor != "0");
}

// Where other sources may have the key, nothing of theirs is applied between the question and the
// removal: what comes behind is in their streams.
asio::awaitable<void> SourceLink::remove_flushed(net::Client& client, DbIndex db,
                                                 std::vector<std::string> keys) {
  std::optional<Target::Hold> hold;
  if (options_.slots.empty() && !options_.planner.only_link) {
    hold.emplace(target_);
    co_await target_.drain_units();
    keys = co_await oracle_.not_elsewhere(options_.id, db, std::move(keys));
  }
  co_await remove_keys(client, std::move(keys));
}

asio::awaitable<void> SourceLink::remove_keys(net::Client& client, std::vector<std::string> keys) {
  std::string requests;
  const Bytes remove = target_.abilities().dialect.knows("unlink") ? "UNLINK" : "DEL";
  for (const std::string& key : keys) resp::append_command(requests, {remove, key});
  const auto replies = co_await client.pipeline(std::move(requests), keys.size());
  for (const resp::Value& reply : replies)
    require_done(reply, "the removal of a flushed key", client);
}

namespace {

/// Of each library in the reply to FUNCTION LIST.
std::vector<std::string> fields_of_libraries(const resp::Value& list, Bytes field) {
  std::vector<std::string> values;
  for (const resp::Value& library : list.items) {
    for (size_t i = 0; i + 1 < library.items.size(); i += 2) {
      if (library.items[i].text == field) values.push_back(library.items[i + 1].text);
    }
  }
  return values;
}

}  // namespace

std::set<std::string> library_names(const resp::Value& list) {
  const std::vector<std::string> names = fields_of_libraries(list, "library_name");
  return {names.begin(), names.end()};
}

// The libraries that the source has by now, in place of a payload that the target does not load.
asio::awaitable<void> SourceLink::load_functions() {
  std::vector<std::string> list{"FUNCTION", "LIST", "WITHCODE"};
  const resp::Value reply = co_await ask_source(std::move(list));
  if (reply.is_error())
    throw UserError(
        fmt::format("{} does not tell its functions: {}", options_.source.label(), reply.text));
  const std::vector<std::string> codes = fields_of_libraries(reply, "library_code");
  const auto work = [this, &codes] { return load_libraries(codes); };
  co_await on_target("FUNCTION LOAD", work);
  co_await remove_functions();
}

asio::awaitable<void> SourceLink::load_libraries(std::vector<std::string> codes) {
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const auto client = co_await net::Client::connect(target_.node(index).endpoint());
    for (const std::string& code : codes) {
      std::vector<std::string> load{"FUNCTION", "LOAD", "REPLACE", code};
      co_await ask_target(*client, std::move(load));
    }
  }
}

asio::awaitable<void> SourceLink::remove_functions() {
  const auto work = [this] { return remove_gone_libraries(); };
  co_await on_target("FUNCTION DELETE", work);
}

asio::awaitable<void> SourceLink::remove_gone_libraries() {
  const std::set<std::string> wanted = co_await oracle_.libraries({});
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const auto client = co_await net::Client::connect(target_.node(index).endpoint());
    std::vector<std::string> list{"FUNCTION", "LIST"};
    const resp::Value present = co_await ask_target(*client, std::move(list));
    for (const std::string& name : library_names(present)) {
      if (wanted.count(name) == 0) co_await remove_library(*client, name);
    }
  }
}

asio::awaitable<void> SourceLink::remove_libraries(std::set<std::string> names) {
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const auto client = co_await net::Client::connect(target_.node(index).endpoint());
    for (const std::string& name : names) co_await remove_library(*client, name);
  }
}

asio::awaitable<void> SourceLink::remove_library(net::Client& client, std::string name) {
  std::vector<std::string> remove{"FUNCTION", "DELETE", std::move(name)};
  const resp::Value reply = co_await client.command(std::move(remove));
  // Another link may have removed it at the same time.
  if (reply.text.find("not found") == std::string::npos)
    require_done(reply, "FUNCTION DELETE", client);
}

}  // namespace lockstep::engine
