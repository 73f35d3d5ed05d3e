#include <fmt/format.h>

#include "sync/base/error.h"
#include "sync/rdb/digest.h"
#include "sync/rdb/dump_payload.h"
#include "verifier/database_scan.h"

namespace lockstep::verifier {

namespace {

asio::awaitable<void> select(Node& node, DbIndex db) {
  std::vector<std::string> request{"SELECT", std::to_string(db.value)};
  co_await node.client->command_or_throw(std::move(request));
}

/// Those that hold keys now.
asio::awaitable<std::vector<DbKeys>> databases(Node& node) {
  std::vector<std::string> request{"INFO", "keyspace"};
  const resp::Value info = co_await node.client->command_or_throw(std::move(request));
  co_return info_keyspace(info.text);
}

}  // namespace

bool add_payload(DbIndex db, Bytes key, Bytes payload, std::optional<ExpireAt> expire_at,
                 const OnKey& on_key) {
  KeySeen seen;
  try {
    const rdb::DumpView view = rdb::parse_dump_payload(payload);
    const auto kind = rdb::kind_of(view.type);
    if (!kind) return false;
    seen = {.db = db,
            .key = key,
            .kind = *kind,
            .digest = rdb::value_digest(view.type, view.value).low,
            .expire_at = expire_at};
  } catch (const FormatError&) {
    return false;
  }
  on_key(seen);
  return true;
}

asio::awaitable<void> read_by_scan(Side& side, size_t index, const Scope& scope, OnKey on_key,
                                   OnName on_unreadable, ReadCounters& counters,
                                   ScanPosition& position, std::function<void()> on_page) {
  if (position.done) co_return;
  Node& node = side.node(index);
  ScanTo to{std::move(on_key), std::move(on_unreadable), counters, std::move(on_page)};
  const std::vector<DbKeys> dbs = co_await databases(node);
  for (const DbKeys& each : dbs) {
    if (!scope.takes(each.db) || each.db < position.db) continue;
    if (each.db > position.db) position = {each.db, "0", false};
    if (each.db.value > 0) co_await select(node, each.db);
    DatabaseScan scan(side, index, each.db, scope, to, position);
    co_await scan.run();
    if (each.db.value > 0) co_await select(node, DbIndex{0});
  }
  position.done = true;
  to.on_page();
}

}  // namespace lockstep::verifier
