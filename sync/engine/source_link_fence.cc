// The part of SourceLink that reads keys again: fences, recoveries, flushes of one of several
// sources.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/engine/request_errors.h"
#include "sync/engine/source_link.h"
#include "sync/engine/written_keys.h"
#include "sync/rdb/dump_payload.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds aux_retry_pause{200};
/// What a fence holds at once: so many keys, and payloads until they have passed so many bytes.
constexpr size_t fence_keys_max = 256;
constexpr size_t fence_bytes_max = 16 << 20;

}  // namespace

asio::awaitable<void> SourceLink::fence_pending() {
  const auto pending = fences_.pending_keys();
  for (const auto& [db, keys] : pending) {
    if (db.value < target_.abilities().databases)
      co_await fence_keys(db, keys, true);
    else
      co_await note_presence(db, keys);
  }
  fences_.clear_pending();
  target_.progress().notify();
}

// Of keys that the target has no place for nothing but their presence matters.
asio::awaitable<void> SourceLink::note_presence(DbIndex db, std::vector<std::string> keys) {
  std::string requests;
  resp::append_command(requests, {"SELECT", std::to_string(db.value)});
  for (const std::string& key : keys) resp::append_command(requests, {"EXISTS", key});
  resp::append_command(requests, {"SELECT", "0"});
  const auto replies = co_await ask_source_many(std::move(requests), keys.size() + 2);
  const std::string source = options_.source.label();
  require_answers(std::span(replies).first(1), "SELECT", source);
  const auto found = std::span(replies).subspan(1, keys.size());
  require_numbers(found, "EXISTS", source);
  for (size_t i = 0; i < keys.size(); ++i)
    loader_.values().note_presence(db, keys[i], found[i].integer > 0);
}

/// Some of the keys, from `begin` on, at least one.
asio::awaitable<std::vector<fence::FencedKey>> SourceLink::read_again(
    DbIndex db, std::vector<std::string> keys) {
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  while (true) {
    std::vector<fence::FencedKey> read;
    std::string trouble;
    co_await lock_aux();
    try {
      net::Client* client = co_await connect_aux();
      read = co_await fence::read_keys(*client, db, keys, fence_bytes_max);
    } catch (const ConnectionError& error) {
      trouble = error.what();
      aux_.reset();
    }
    unlock_aux();
    if (trouble.empty()) co_return read;
    if (closed_) throw Closed(trouble);
    if (std::chrono::steady_clock::now() > deadline) {
      throw UserError(
          fmt::format("{}: {} keys, {} among them, could not be read again within {}: {}",
                      options_.source.label(), keys.size(), printable(keys.front()),
                      format_duration(options_.retry_for), trouble));
    }
    spdlog::warn("{}: a key could not be read again: {}; retrying", options_.source.label(),
                 trouble);
    co_await pause_for(executor_, aux_retry_pause);
  }
}

// A settlement writes while producers are kept out, but not more than the node has room for.
asio::awaitable<void> SourceLink::await_room(std::string key, bool gate) {
  if (gate) {
    if (!target_.open_for_producers()) co_await target_.enter();
    co_return;
  }
  while (!closed_ && target_.node_of_key(key).congested()) co_await target_.progress().wait();
}

asio::awaitable<void> SourceLink::fence_keys(DbIndex db, std::vector<std::string> keys, bool gate) {
  for (size_t at = 0; at < keys.size();) {
    const auto begin = keys.begin() + static_cast<ptrdiff_t>(at);
    const auto end = begin + static_cast<ptrdiff_t>(std::min(fence_keys_max, keys.size() - at));
    const auto read = co_await read_again(db, std::vector<std::string>(begin, end));
    at += read.size();
    for (const fence::FencedKey& key : read) {
      co_await await_room(key.key, gate);
      if (fences_.fenced_at(db, key.key) > key.offset) continue;  // a recovery has read it later
      write_fenced(db, key);
      fences_.set_fenced(db, key.key, key.offset);
    }
  }
}

void SourceLink::write_fenced(DbIndex db, const fence::FencedKey& key) {
  const Offset at =
      std::max(planner_.settled(), target_.node_of_key(key.key).appended(options_.id));
  const Unit unit{.link = options_.id, .kind = UnitKind::fence, .db = db, .end = at};
  if (!key.dump_payload) return loader_.values().remove(db, key.key, unit, planner_.settled());
  const rdb::DumpView view = rdb::parse_dump_payload(*key.dump_payload);
  rdb::Entry entry{.db = db, .key = key.key, .expire_at = key.expire_at};
  entry.type = view.type;
  entry.value = view.value;
  loader_.values().write(entry, options_.planner.expiry_grace.count(), unit, planner_.settled(),
                         view.version);
}

asio::awaitable<void> SourceLink::settle(std::vector<FailedUnit> units) {
  std::map<DbIndex, std::set<std::string>> keys;
  for (const FailedUnit& failed : units) {
    const Policy policy = policy_for(failed.error, failed.unit.kind);
    if (policy == Policy::rebuild && failed.unit.kind == UnitKind::fence) {
      // Commands on the key may have been done behind it: its value of then must not come back.
      loader_.values().refuse(failed.request);
      for (auto& [db, key] : known_keys(failed)) keys[db].insert(key);
    } else if (policy == Policy::rebuild) {
      loader_.rebuild(failed.request, failed.unit);
    } else if (failed.unit.kind == UnitKind::restore) {
      resend(target_.node_of_key(first_key(failed)), failed);
    } else if (failed.unit.kind == UnitKind::control) {
      // What goes to every node is sent to every node again, which changes nothing where it was
      // done.
      for (size_t i = 0; i < target_.node_count(); ++i) resend(target_.node(i), failed);
    } else if (failed.unit.kind != UnitKind::select) {  // which belongs to the connection
      for (auto& [db, key] : known_keys(failed)) keys[db].insert(key);
    }
    if (failed.strayed_to && failed.unit.kind != UnitKind::control) {
      for (auto& [db, key] : known_keys(failed)) {
        if (db == failed.unit.db) keys[*failed.strayed_to].insert(key);
      }
    }
  }
  const std::string* big = loader_.big_key();
  const auto in_db = keys.find(loader_.big_db());
  if (big && in_db != keys.end() && in_db->second.count(*big) > 0) loader_.abandon_big();
  for (auto& [db, names] : keys) {
    co_await fence_keys(db, std::vector<std::string>(names.begin(), names.end()), false);
    planner_.counters().fences += names.size();
  }
}

std::set<std::pair<DbIndex, std::string>> SourceLink::known_keys(const FailedUnit& failed) const {
  WrittenKeys written = written_keys(failed.request, failed.unit.db);
  if (!written.unknown.empty()) {
    throw UserError(fmt::format(
        "{}: it is not known what became of {} at source offset {} ({}), and it names no keys that "
        "could be read again: declare the keys that the script uses, or let the source replicate "
        "effects (lua-replicate-commands yes); then run again with --existing overwrite",
        options_.source.label(), printable(failed.request, 160), failed.unit.end.value,
        failed.error));
  }
  return std::move(written.keys);
}

std::string SourceLink::first_key(const FailedUnit& failed) const {
  resp::CommandParser parser;
  const auto length = parser.parse(failed.request);
  if (parser.args()[0] == "MULTI") parser.parse(Bytes(failed.request).substr(*length));
  return std::string(parser.args().size() > 1 ? parser.args()[1] : Bytes());
}

void SourceLink::resend(TargetNode& node, const FailedUnit& failed) {
  Unit unit = failed.unit;
  unit.failed = false;
  unit.replies = count_requests(failed.request);
  node.begin_unit(unit.db, start_.offset, options_.id).append(failed.request);
  node.end_unit(unit);
}

uint32_t SourceLink::count_requests(Bytes requests) const {
  resp::CommandParser parser;
  uint32_t count = 0;
  while (!requests.empty()) {
    const auto length = parser.parse(requests);
    LOCKSTEP_ASSERT(length.has_value());
    requests.remove_prefix(*length);
    ++count;
  }
  return count;
}

asio::awaitable<void> SourceLink::fence_unknown(std::vector<Bytes> args) {
  std::vector<std::string> request{"COMMAND", "GETKEYS"};
  request.insert(request.end(), args.begin(), args.end());
  const resp::Value reply = co_await ask_source(std::move(request));
  if (reply.is_error() || reply.items.empty()) {
    throw UserError(
        fmt::format("the source's stream holds the command {}, which this version does not know "
                    "and whose keys the source "
                    "cannot tell ({}): it cannot be replayed (source offset {})",
                    printable(args[0]), reply.text, parsed_.value));
  }
  for (const resp::Value& key : reply.items) fences_.add_pending(planner_.db(), key.text, parsed_);
}

asio::awaitable<void> SourceLink::lock_aux() {
  while (aux_busy_) {
    if (closed_) throw Closed("the link was closed");
    co_await aux_wake_.wait();
  }
  aux_busy_ = true;
}

asio::awaitable<net::Client*> SourceLink::connect_aux() {
  if (!aux_) aux_ = co_await net::Client::connect(options_.source);
  co_return aux_.get();
}

void SourceLink::unlock_aux() {
  aux_busy_ = false;
  aux_wake_.notify();
}

asio::awaitable<resp::Value> SourceLink::ask_source(std::vector<std::string> request) {
  std::string encoded;
  const std::vector<Bytes> args(request.begin(), request.end());
  resp::append_command(encoded, args);
  auto replies = co_await ask_source_many(std::move(encoded), 1);
  co_return std::move(replies.front());
}

// Only what may be asked twice. Before the link is open a source that does not answer is an error;
// later it is waited for, and so is one that answers BUSY, LOADING and the like.
asio::awaitable<std::vector<resp::Value>> SourceLink::ask_source_many(std::string requests,
                                                                      size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  while (true) {
    std::exception_ptr failure;
    std::vector<resp::Value> replies;
    co_await lock_aux();
    const bool again =
        phase_ != LinkPhase::connecting && std::chrono::steady_clock::now() < deadline;
    bool may_help = false;
    try {
      net::Client* client = co_await connect_aux();
      replies = co_await client->pipeline(requests, count);
      may_help = any_may_pass(replies);
    } catch (const ConnectionError&) {
      may_help = true;
      failure = std::current_exception();
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) aux_.reset();
    unlock_aux();
    if (closed_ || !again || !may_help) {
      if (failure) std::rethrow_exception(failure);
      co_return replies;
    }
    co_await pause_for(executor_, aux_retry_pause);
  }
}

asio::awaitable<ServerInfo> SourceLink::source_info() {
  std::vector<std::string> request{"INFO"};
  const resp::Value reply = co_await ask_source(std::move(request));
  require_answers(std::span(&reply, 1), "INFO", options_.source.label());
  co_return parse_info(reply.text);
}

}  // namespace lockstep::engine
