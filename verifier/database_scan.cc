#include "verifier/database_scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"
#include "verifier/parallel.h"
#include "verifier/piece_reader.h"

namespace lockstep::verifier {

namespace {

/// SCAN's COUNT: begins low, because nobody knows yet how large the values are.
constexpr size_t page_keys_first = 16;
constexpr size_t page_keys_most = 512;
constexpr size_t batch_bytes_few = 1 << 20;
constexpr size_t batch_bytes_many = 4 << 20;
constexpr size_t commands_per_key = 2;
constexpr std::chrono::seconds silence_max{60};
constexpr uint32_t scan_type_since = 60000;
constexpr uint32_t memory_usage_since = 40000;
constexpr uint32_t pexpiretime_since = 70000;

ReadingWays ways_of(const Side& side, const Node& node, const Scope& scope) {
  return {.mget = scope.takes(rdb::Kind::string),
          .sizes = node.version_number >= memory_usage_since,
          .absolute = node.version_number >= pexpiretime_since,
          .by_slot = side.clustered()};
}

/// The node does not serve the key, or not now.
bool elsewhere(const Reply& reply) {
  const Bytes code = reply.error_code();
  return code == "MOVED" || code == "ASK" || code == "TRYAGAIN";
}

bool not_allowed(const Reply& reply) {
  return reply.error_code() == "NOPERM" || reply.text.starts_with("ERR unknown");
}

/// In the order in which they were asked.
std::vector<ScannedKey*> without_expiry(ScanBatch& batch) {
  std::vector<ScannedKey*> keys;
  const auto add = [&keys](ScannedKeys& from) {
    for (ScannedKey& key : from) {
      if (!key.expiry_known) keys.push_back(&key);
    }
  };
  for (ScannedKeys& mget : batch.mgets) add(mget);
  add(batch.dumps);
  return keys;
}

}  // namespace

DatabaseScan::DatabaseScan(Side& side, size_t node, DbIndex db, const Scope& scope, ScanTo& to,
                           ScanPosition& position)
    : side_(side),
      index_(node),
      node_(side.node(node)),
      db_(db),
      scope_(scope),
      to_(to),
      position_(position),
      reader_(*node_.client, silence_max),
      ways_(ways_of(side, node_, scope)),
      cursor_(position.cursor),
      page_keys_max_(node_.pace.keys_at_once(page_keys_most, commands_per_key)),
      page_keys_(std::min(page_keys_first, page_keys_max_)) {}

asio::awaitable<void> DatabaseScan::run() {
  ScanBatch flying = compose();
  co_await send(flying);
  while (!flying.empty()) {
    if (flying.scan) co_await read_page();
    ScanBatch next = compose();
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(send(next));
    tasks.push_back(read_values(flying));
    co_await run_all(std::move(tasks));
    flying = std::move(next);
    if (!flying.empty()) continue;
    co_await read_big();
    flying = compose();
    co_await send(flying);
  }
  position_ = {DbIndex{db_.value + 1}, "0", false};  // also if no page came
}

/// Empty if there is nothing to ask, or if big values wait until nothing is on its way.
ScanBatch DatabaseScan::compose() {
  ScanBatch batch;
  if (!queues_.big.empty()) return batch;
  if (more_ && queues_.size() < 2 * page_keys_) append_scan(batch);
  fill_batch(batch, queues_, ways_, page_keys_);
  return batch;
}

void DatabaseScan::append_scan(ScanBatch& batch) const {
  const ScopeOptions& only = scope_.options();
  std::vector<Bytes> words{"SCAN", cursor_, "COUNT"};
  const std::string count = std::to_string(page_keys_);
  words.push_back(count);
  if (!only.match.empty()) words.insert(words.end(), {"MATCH", only.match});
  if (!only.type.empty() && only.type != "module" && node_.version_number >= scan_type_since)
    words.insert(words.end(), {"TYPE", only.type});
  resp::append_command(batch.requests, words);
  batch.scan = true;
  ++batch.commands;
  ++batch.replies;
}

asio::awaitable<void> DatabaseScan::send(ScanBatch& batch) {
  if (batch.empty()) co_return;
  co_await side_.await_turn(index_, batch.commands);
  batch.sent = std::chrono::steady_clock::now();
  const asio::const_buffer buffer = asio::buffer(batch.requests);
  const std::span<const asio::const_buffer> buffers(&buffer, 1);
  co_await node_.client->stream().write(buffers);
  batch.requests = {};
}

asio::awaitable<Reply> DatabaseScan::expect(resp::Type type, const char* command) {
  Reply reply;
  while (!reader_.next(reply)) co_await reader_.receive();
  if (reply.is_error()) {
    const std::string what = fmt::format("{}: {}: {}", node_.endpoint.label(), command, reply.text);
    if (!not_allowed(reply)) throw ConnectionError(what);  // not now
    throw UserError(fmt::format("{}; allow it with ACL SETUSER … +{}", what, command));
  }
  if (reply.type != type)
    throw FormatError(0, fmt::format("{}: {}: unexpected reply", node_.endpoint.label(), command));
  co_return reply;
}

asio::awaitable<std::string> DatabaseScan::whole_text(Reply reply) {
  std::string text(reply.text);
  while (reader_.left() > 0) {
    const Bytes piece = reader_.piece();
    if (piece.empty()) co_await reader_.receive();
    text += piece;
  }
  co_return text;
}

asio::awaitable<void> DatabaseScan::read_page() {
  Page page{.cursor = cursor_};
  co_await expect(resp::Type::array, "scan");
  const Reply cursor = co_await expect(resp::Type::bulk_string, "scan");
  cursor_ = cursor.text;
  more_ = cursor_ != "0";
  const Reply names = co_await expect(resp::Type::array, "scan");
  ScannedKeys keys;
  for (int64_t i = 0; i < names.integer; ++i) {
    Reply reply;
    while (!reader_.next(reply)) co_await reader_.receive();
    std::string name(reply.text);
    if (reply.in_pieces) name = co_await whole_text(reply);
    batch_bytes_ += name.size();
    const Take take = scope_.take(db_, name);
    page.population += take == Take::no ? 0 : 1;
    if (take == Take::yes) keys.push_back({.name = std::move(name), .page = next_page_});
  }
  page.outstanding = keys.size();
  pages_.push_back(std::move(page));
  ++next_page_;
  for (ScannedKey& key : keys) enqueue(std::move(key));
  if (keys.empty()) advance();
}

/// Puts a key where what it needs next is asked.
void DatabaseScan::enqueue(ScannedKey key) {
  const bool sized = key.bytes > 0 || key.whole || !ways_.sizes;
  if (!sized && (ways_.sizes_first || key.no_string || !ways_.mget)) {
    queues_.unsized.push_back(std::move(key));
  } else if (sized && key.bytes >= big_value_bytes && !key.whole) {
    queues_.big.push_back(std::move(key));
  } else if (ways_.mget && !key.no_string) {
    queues_.unread.push_back(std::move(key));
  } else {
    queues_.sized.push_back(std::move(key));
  }
}

asio::awaitable<void> DatabaseScan::read_values(ScanBatch& batch) {
  if (batch.expiries) co_await read_expiries(batch);
  for (ScannedKeys& keys : batch.mgets) co_await read_mget(std::move(keys));
  co_await read_sizes(std::move(batch.sizes));
  co_await read_dumps(std::move(batch.dumps));
  if (batch.info) {
    co_await read_info();
  } else {
    settle_read(false);
  }
  while (!reader_.idle()) co_await reader_.receive();
  node_.pace.answered(std::chrono::steady_clock::now() - batch.sent, batch.commands, batch_bytes_);
  if (batch_bytes_ > batch_bytes_many) {
    page_keys_ = std::max<size_t>(1, page_keys_ / 2);
  } else if (batch_bytes_ < batch_bytes_few) {
    page_keys_ = std::min(page_keys_ * 2, page_keys_max_);
  }
  batch_bytes_ = 0;
}

asio::awaitable<int64_t> DatabaseScan::read_time() {
  Reply reply;
  while (!reader_.next(reply)) co_await reader_.receive();
  if (reply.type != resp::Type::array) co_return side_.now_ms(index_);  // it hides TIME
  const Reply seconds = co_await expect(resp::Type::bulk_string, "time");
  const int64_t ms = std::stoll(std::string(seconds.text)) * 1000;
  const Reply micros = co_await expect(resp::Type::bulk_string, "time");
  co_return ms + std::stoll(std::string(micros.text)) / 1000;
}

/// A PTTL was computed between two TIMEs: the expiry is right to half of what lies between them,
/// which is exact as a rule.
asio::awaitable<void> DatabaseScan::read_expiries(ScanBatch& batch) {
  std::vector<ScannedKey*> keys = without_expiry(batch);
  int64_t before_ms = 0;
  size_t group = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!ways_.absolute && i % expiries_between_times == 0) {
      const int64_t now_ms = co_await read_time();
      for (; group < i; ++group) make_absolute(*keys[group], before_ms, now_ms);
      before_ms = now_ms;
    }
    Reply reply;
    while (!reader_.next(reply)) co_await reader_.receive();
    if (reply.is_error() && !elsewhere(reply)) refuse(*keys[i], reply.text);
    keys[i]->expiry_known = true;
    if (!reply.is_error() && reply.integer >= 0) keys[i]->expire_at = ExpireAt{reply.integer};
  }
  if (ways_.absolute || keys.empty()) co_return;
  const int64_t now_ms = co_await read_time();
  for (; group < keys.size(); ++group) make_absolute(*keys[group], before_ms, now_ms);
}

asio::awaitable<void> DatabaseScan::read_mget(ScannedKeys keys) {
  Reply reply;
  while (!reader_.next(reply)) co_await reader_.receive();
  if (reply.is_error()) {
    if (!elsewhere(reply) && !not_allowed(reply)) refuse(keys.front(), reply.text);
    const bool away = elsewhere(reply);
    ways_.mget = ways_.mget && away;
    for (ScannedKey& key : keys) away ? give_up(key) : enqueue(std::move(key));
    co_return;
  }
  if (reply.type != resp::Type::array || static_cast<size_t>(reply.integer) != keys.size())
    throw FormatError(0, node_.endpoint.label() + ": MGET: unexpected reply");
  for (ScannedKey& key : keys) {
    while (!reader_.next(reply)) co_await reader_.receive();
    if (reply.is_null()) {
      key.no_string = true;
      enqueue(std::move(key));
      continue;
    }
    key.kind = rdb::Kind::string;
    count(key, reply.in_pieces ? reader_.left() : reply.text.size());
    if (reply.in_pieces) {
      if (reader_.left() >= big_value_bytes) look_at_sizes_first();
      key.digest = co_await digest_pieces();
    } else {
      rdb::Digester digester(rdb::Kind::string);
      digester.on_string(reply.text);
      key.digest = digester.finish().low;
    }
    read_.push_back(std::move(key));
  }
}

/// From now on nobody asks for a big string at once.
void DatabaseScan::look_at_sizes_first() {
  if (ways_.sizes_first || !ways_.sizes) return;
  ways_.sizes_first = true;
  std::deque<ScannedKey> unread = std::exchange(queues_.unread, {});
  for (ScannedKey& key : unread) enqueue(std::move(key));
}

asio::awaitable<void> DatabaseScan::read_sizes(ScannedKeys keys) {
  for (ScannedKey& key : keys) {
    Reply reply;
    while (!reader_.next(reply)) co_await reader_.receive();
    if (elsewhere(reply)) {
      give_up(key);
    } else if (reply.is_null()) {
      drop(key);
    } else {
      if (reply.is_error()) ways_.sizes = false;
      key.bytes =
          reply.is_error() ? 0 : std::max<uint64_t>(1, static_cast<uint64_t>(reply.integer));
      enqueue(std::move(key));
    }
  }
}

asio::awaitable<void> DatabaseScan::read_dumps(ScannedKeys keys) {
  for (ScannedKey& key : keys) {
    Reply reply;
    while (!reader_.next(reply)) co_await reader_.receive();
    if (elsewhere(reply)) {
      give_up(key);
    } else if (reply.is_error()) {
      refuse(key, reply.text);
    } else if (reply.is_null()) {
      drop(key);
    } else if (reply.in_pieces) {
      count(key, reader_.left());
      co_await digest_payload_pieces(std::move(key));
    } else {
      count(key, reply.text.size());
      take_payload(std::move(key), reply.text);
    }
  }
}

void DatabaseScan::take_payload(ScannedKey key, Bytes payload) {
  const bool decoded = add_payload(db_, key.name, payload, {}, [&key](const KeySeen& seen) {
    key.kind = seen.kind;
    key.digest = seen.digest;
  });
  if (!decoded) return give_up(key);
  read_.push_back(std::move(key));
}

/// As long as the database has no key with an expiry, nobody asks for one: it says so once the
/// values have been read.
asio::awaitable<void> DatabaseScan::read_info() {
  const Reply reply = co_await expect(resp::Type::bulk_string, "info");
  bool any = false;
  for (const DbKeys& each : info_keyspace(reply.text))
    any = any || (each.db == db_ && each.expires > 0);
  ways_.expiries = ways_.expiries || any;
  settle_read(any);
}

/// `with_expiries`: what was read without its expiry has to be read again.
void DatabaseScan::settle_read(bool with_expiries) {
  for (ScannedKey& key : read_) {
    if (with_expiries && !key.expiry_known) {
      enqueue(std::move(key));
    } else {
      finish(std::move(key));
    }
  }
  read_.clear();
}

void DatabaseScan::finish(ScannedKey key) {
  Page& page = page_of(key);
  --page.outstanding;
  if (scope_.takes(key.kind)) page.read.push_back(std::move(key));
  advance();
}

/// Its value cannot be read here.
void DatabaseScan::give_up(const ScannedKey& key) {
  page_of(key).unreadable.push_back(key.name);
  drop(key);
}

/// Hands on the pages that are complete.
void DatabaseScan::advance() {
  while (!pages_.empty() && pages_.front().outstanding == 0) {
    const Page page = std::move(pages_.front());
    pages_.pop_front();
    ++first_page_;
    give(page);
    if (!pages_.empty() || more_) {
      position_.cursor = pages_.empty() ? cursor_ : pages_.front().cursor;
    } else {
      position_ = {DbIndex{db_.value + 1}, "0", false};
    }
    to_.on_page();
  }
}

void DatabaseScan::give(const Page& page) {
  to_.counters.population += page.population;
  to_.counters.keys += page.read.size();
  to_.counters.bytes += page.bytes;
  for (const ScannedKey& key : page.read) {
    to_.on_key({.db = db_,
                .key = key.name,
                .kind = key.kind,
                .digest = key.digest,
                .expire_at = key.expire_at});
  }
  for (const std::string& name : page.unreadable) to_.on_unreadable(db_, name);
}

}  // namespace lockstep::verifier
