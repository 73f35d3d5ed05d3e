#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/rdb/dump_payload.h"
#include "sync/resp/encoder.h"
#include "verifier/readers.h"

namespace lockstep::verifier {

namespace {

/// So many values may be on their way at once; large ones make it a memory bound in practice.
constexpr size_t keys_per_scan = 200;

struct Page {
  std::string cursor = "0";
  std::vector<std::string> keys;
};

Page parse_page(const resp::Value& reply, const std::string& label) {
  if (reply.is_error())
    throw UserError(
        fmt::format("{}: SCAN: {}; allow it with ACL SETUSER … +scan", label, reply.text));
  if (reply.items.size() != 2) throw FormatError(0, label + ": SCAN: unexpected reply");
  Page page{reply.items[0].text, {}};
  for (const resp::Value& key : reply.items[1].items) page.keys.push_back(key.text);
  return page;
}

asio::awaitable<void> select(Node& node, DbIndex db) {
  if (db.value == 0) co_return;
  std::vector<std::string> request{"SELECT", std::to_string(db.value)};
  co_await node.client->command_or_throw(std::move(request));
}

asio::awaitable<void> deselect(Node& node, DbIndex db) {
  if (db.value == 0) co_return;
  std::vector<std::string> request{"SELECT", "0"};
  co_await node.client->command_or_throw(std::move(request));
}

/// One page's values and, in the same round trip, the next page.
class ValueScan {
 public:
  ValueScan(Node& node, DbIndex db, const OnKey& on_key, const OnName& on_unreadable,
            ReadCounters& counters)
      : node_(node), db_(db), on_key_(on_key), on_unreadable_(on_unreadable), counters_(counters) {}

  asio::awaitable<void> run() {
    do {
      const bool more = scanning();
      std::string requests = make_requests(more);
      const size_t count = page_.keys.size() * 2 + (more ? 1 : 0);
      const std::vector<resp::Value> replies =
          co_await node_.client->pipeline(std::move(requests), count);
      for (size_t i = 0; i < page_.keys.size(); ++i)
        take(page_.keys[i], replies[2 * i], replies[2 * i + 1]);
      page_ = more ? parse_page(replies.back(), node_.endpoint.label()) : Page{"0", {}};
      started_ = true;
    } while (scanning() || !page_.keys.empty());
  }

 private:
  bool scanning() const { return !started_ || page_.cursor != "0"; }

  std::string make_requests(bool more) const {
    const Bytes ttl = absolute() ? "PEXPIRETIME" : "PTTL";
    std::string requests;
    for (const std::string& key : page_.keys) {
      resp::append_command(requests, {ttl, key});
      resp::append_command(requests, {"DUMP", key});
    }
    if (more) {
      resp::append_command(requests,
                           {"SCAN", page_.cursor, "COUNT", std::to_string(keys_per_scan)});
    }
    return requests;
  }

  bool absolute() const { return node_.version_number >= 70000; }

  void take(const std::string& key, const resp::Value& ttl, const resp::Value& dump) {
    const Bytes code = dump.error_code();
    if (code == "MOVED" || code == "ASK") return on_unreadable_(db_, key);
    if (dump.is_error() || ttl.is_error()) {
      const std::string& message = dump.is_error() ? dump.text : ttl.text;
      throw UserError(
          fmt::format("{}: the key {} cannot be read: {}; verifying needs +dump +pttl "
                      "+pexpiretime",
                      node_.endpoint.label(), printable(key), message));
    }
    if (dump.is_null()) return;
    ++counters_.keys;
    counters_.bytes += dump.text.size();
    try {
      const rdb::DumpView view = rdb::parse_dump_payload(dump.text);
      const auto kind = rdb::kind_of(view.type);
      if (!kind) throw FormatError(0, fmt::format("unknown value type {}", view.type));
      on_key_({.db = db_,
               .key = key,
               .kind = *kind,
               .digest = rdb::value_digest(view.type, view.value).low,
               .expire_at = expiry(ttl.integer)});
    } catch (const FormatError&) {
      on_unreadable_(db_, key);
    }
  }

  std::optional<ExpireAt> expiry(int64_t reply) const {
    if (reply < 0) return std::nullopt;
    return ExpireAt{absolute() ? reply : node_now() + reply};
  }

  int64_t node_now() const {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count() +
           node_.clock_offset_ms;
  }

  Node& node_;
  DbIndex db_;
  const OnKey& on_key_;
  const OnName& on_unreadable_;
  ReadCounters& counters_;
  Page page_;
  bool started_ = false;
};

/// Those that hold keys now.
asio::awaitable<std::vector<DbKeys>> databases(Node& node) {
  std::vector<std::string> request{"INFO", "keyspace"};
  const resp::Value info = co_await node.client->command_or_throw(std::move(request));
  co_return info_keyspace(info.text);
}

}  // namespace

asio::awaitable<void> read_by_scan(Node& node, OnKey on_key, OnName on_unreadable,
                                   ReadCounters& counters) {
  const std::vector<DbKeys> dbs = co_await databases(node);
  for (const DbKeys& each : dbs) {
    co_await select(node, each.db);
    ValueScan scan(node, each.db, on_key, on_unreadable, counters);
    co_await scan.run();
    co_await deselect(node, each.db);
  }
}

}  // namespace lockstep::verifier
