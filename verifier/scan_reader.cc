#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/rdb/dump_payload.h"
#include "sync/resp/encoder.h"
#include "verifier/parallel.h"
#include "verifier/readers.h"

namespace lockstep::verifier {

namespace {

/// So many values may be on their way at once; large ones make it a memory bound in practice.
constexpr size_t keys_per_scan = 200;

constexpr size_t commands_per_key = 2;
constexpr uint32_t scan_type_since = 60000;

struct Page {
  std::string cursor = "0";
  std::vector<std::string> keys;
  bool more = true;          ///< the cursor leads on
  std::string origin = "0";  ///< the cursor that gave the keys
  uint64_t population = 0;   ///< of a sample: names that it was drawn from
  int64_t read_at_ms = 0;    ///< by the node's clock
};

Page parse_page(const resp::Value& reply, const std::string& label) {
  if (reply.is_error())
    throw UserError(
        fmt::format("{}: SCAN: {}; allow it with ACL SETUSER … +scan", label, reply.text));
  if (reply.items.size() != 2) throw FormatError(0, label + ": SCAN: unexpected reply");
  const std::string& cursor = reply.items[0].text;
  Page page{.cursor = cursor, .keys = {}, .more = cursor != "0"};
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

/// One page's values and, in the same round trip, the next page. While the server works on a
/// request the replies of the one before are decoded.
class ValueScan {
 public:
  ValueScan(Side& side, size_t node, DbIndex db, const Scope& scope, const OnKey& on_key,
            const OnName& on_unreadable, ReadCounters& counters, ScanPosition& position,
            const std::function<void()>& on_page)
      : side_(side),
        index_(node),
        node_(side.node(node)),
        db_(db),
        scope_(scope),
        on_key_(on_key),
        on_unreadable_(on_unreadable),
        counters_(counters),
        position_(position),
        on_page_(on_page),
        keys_per_scan_(node_.pace.keys_at_once(keys_per_scan, commands_per_key)) {
    page_.cursor = position.cursor;
  }

  asio::awaitable<void> run() {
    co_await fetch();
    while (!page_.keys.empty() || page_.more) {
      Page old = next_page();
      std::vector<resp::Value> replies = std::move(replies_);
      std::vector<asio::awaitable<void>> tasks;
      tasks.push_back(fetch());
      tasks.push_back(take_all(std::move(old), std::move(replies)));
      co_await run_all(std::move(tasks));
    }
  }

 private:
  /// What has been fetched becomes the old page; what its SCAN gave is the next.
  Page next_page() {
    Page next{.cursor = "0", .keys = {}, .more = false};
    if (page_.more) next = wanted(parse_page(replies_.back(), node_.endpoint.label()));
    next.origin = page_.cursor;
    return std::exchange(page_, std::move(next));
  }

  Page wanted(Page page) {
    std::erase_if(page.keys, [&](const std::string& key) {
      const Take take = scope_.take(db_, key);
      page.population += take == Take::no ? 0 : 1;
      return take != Take::yes;
    });
    return page;
  }

  asio::awaitable<void> fetch() {
    if (page_.keys.empty() && !page_.more) co_return;
    std::string requests = make_requests();
    const size_t count = page_.keys.size() * commands_per_key + (page_.more ? 1 : 0);
    co_await side_.await_turn(index_, count);
    const auto begin = std::chrono::steady_clock::now();
    replies_ = co_await node_.client->pipeline(std::move(requests), count);
    page_.read_at_ms = side_.now_ms(index_);
    size_t bytes = 0;
    for (const resp::Value& reply : replies_) bytes += reply.text.size();
    node_.pace.answered(std::chrono::steady_clock::now() - begin, count, bytes);
  }

  std::string make_requests() const {
    const Bytes ttl = absolute() ? "PEXPIRETIME" : "PTTL";
    std::string requests;
    for (const std::string& key : page_.keys) {
      resp::append_command(requests, {ttl, key});
      resp::append_command(requests, {"DUMP", key});
    }
    if (page_.more) append_scan(requests);
    return requests;
  }

  void append_scan(std::string& requests) const {
    const ScopeOptions& only = scope_.options();
    std::vector<Bytes> words{"SCAN", page_.cursor, "COUNT"};
    const std::string count = std::to_string(keys_per_scan_);
    words.push_back(count);
    if (!only.match.empty()) words.insert(words.end(), {"MATCH", only.match});
    if (!only.type.empty() && only.type != "module" && node_.version_number >= scan_type_since)
      words.insert(words.end(), {"TYPE", only.type});
    resp::append_command(requests, words);
  }

  bool absolute() const { return node_.version_number >= 70000; }

  asio::awaitable<void> take_all(Page page, std::vector<resp::Value> replies) {
    for (size_t i = 0; i < page.keys.size(); ++i)
      take(page.keys[i], replies[2 * i], replies[2 * i + 1], page.read_at_ms);
    counters_.population += page.population;
    if (page_.keys.empty() && !page_.more) {
      position_ = {DbIndex{db_.value + 1}, "0", false};
    } else {
      position_.cursor = page_.origin;
    }
    on_page_();
    co_return;
  }

  void take(const std::string& key, const resp::Value& ttl, const resp::Value& dump,
            int64_t read_at_ms) {
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
    const bool decoded =
        add_payload(db_, key, dump.text, expiry(ttl.integer, read_at_ms), [&](const KeySeen& seen) {
          if (scope_.takes(seen.kind)) {
            on_key_(seen);
          } else {
            --counters_.keys;
          }
        });
    if (!decoded) on_unreadable_(db_, key);
  }

  std::optional<ExpireAt> expiry(int64_t reply, int64_t read_at_ms) const {
    if (reply < 0) return std::nullopt;
    return ExpireAt{absolute() ? reply : read_at_ms + reply};
  }

  Side& side_;
  size_t index_;
  Node& node_;
  DbIndex db_;
  const Scope& scope_;
  const OnKey& on_key_;
  const OnName& on_unreadable_;
  ReadCounters& counters_;
  ScanPosition& position_;
  const std::function<void()>& on_page_;
  size_t keys_per_scan_;
  Page page_;                         ///< asked for, or to be asked for
  std::vector<resp::Value> replies_;  ///< of page_
};

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
  const std::vector<DbKeys> dbs = co_await databases(node);
  for (const DbKeys& each : dbs) {
    if (!scope.takes(each.db) || each.db < position.db) continue;
    if (each.db > position.db) position = {each.db, "0", false};
    co_await select(node, each.db);
    ValueScan scan(side, index, each.db, scope, on_key, on_unreadable, counters, position, on_page);
    co_await scan.run();
    co_await deselect(node, each.db);
  }
  position.done = true;
  on_page();
}

}  // namespace lockstep::verifier
