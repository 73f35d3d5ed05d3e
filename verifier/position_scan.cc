// The part of PositionCheck that finds the keys by SCAN and reads all of them in holds, chunk by
// chunk, where no snapshot may be taken.

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "sync/base/own_keys.h"
#include "sync/resp/encoder.h"
#include "verifier/key_list.h"
#include "verifier/position_check.h"

namespace lockstep::verifier {

namespace {

constexpr size_t page_keys = 256;

uint64_t hash_of(const Candidate& key) {
  return XXH3_64bits_withSeed(key.key.data(), key.key.size(), key.db.value);
}

std::vector<Bytes> scan_words(const std::string& cursor, const std::string& count,
                              const ScopeOptions& only) {
  std::vector<Bytes> words{"SCAN", cursor, "COUNT", count};
  if (!only.match.empty()) words.insert(words.end(), {"MATCH", only.match});
  return words;
}

/// A page of names, of any type, since the other side may hold another one; the cursor that leads
/// on takes the place of `cursor`.
asio::awaitable<std::vector<std::string>> scan_page(Side& side, size_t node, DbIndex db,
                                                    const ScopeOptions& only, std::string& cursor) {
  constexpr size_t replies_count = 3;
  std::string requests;
  resp::append_command(requests, {"SELECT", std::to_string(db.value)});
  const std::string count = std::to_string(page_keys);
  resp::append_command(requests, scan_words(cursor, count, only));
  resp::append_command(requests, {"SELECT", "0"});
  co_await side.await_turn(node, replies_count);
  auto replies = co_await side.node(node).client->pipeline(std::move(requests), replies_count);
  const resp::Value& page = replies[1];
  if (page.error_code() == "NOPERM")
    throw UserError(fmt::format("{}: {}; allow it with ACL SETUSER … +scan",
                                side.node(node).endpoint.label(), page.text));
  if (page.is_error() || page.items.size() != 2)
    throw ConnectionError(fmt::format("{}: SCAN: {}", side.node(node).endpoint.label(), page.text));
  cursor = page.items[0].text;
  std::vector<std::string> names;
  for (const resp::Value& name : page.items[1].items) names.push_back(name.text);
  co_return names;
}

/// Cursors are those of one process.
std::string identity(const Side& side) {
  std::string text = side.ownership();
  for (size_t i = 0; i < side.node_count(); ++i) text += side.node(i).run_id;
  return text;
}

/// Those that the side does not have.
asio::awaitable<std::vector<Candidate>> absent_from(Side& side, std::vector<Candidate> keys) {
  std::vector<bool> there(keys.size());
  for (size_t node = 0; node < side.node_count(); ++node) {
    std::string requests;
    std::vector<size_t> asked;
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto holders = side.holders(keys[i].key);
      if (std::find(holders.begin(), holders.end(), node) == holders.end()) continue;
      resp::append_command(requests, {"SELECT", std::to_string(keys[i].db.value)});
      resp::append_command(requests, {"EXISTS", keys[i].key});
      asked.push_back(i);
    }
    if (asked.empty()) continue;
    resp::append_command(requests, {"SELECT", "0"});
    const size_t count = 2 * asked.size() + 1;
    co_await side.await_turn(node, count);
    const auto replies = co_await side.node(node).client->pipeline(std::move(requests), count);
    for (size_t i = 0; i < asked.size(); ++i) {
      if (replies[2 * i + 1].integer > 0) there[asked[i]] = true;
    }
  }
  std::vector<Candidate> absent;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!there[i]) absent.push_back(std::move(keys[i]));
  }
  co_return absent;
}

}  // namespace

/// Each key that is on a side from beginning to end is met by its scan. One that both sides have is
/// compared once, when the source's scan meets it.
asio::awaitable<void> PositionCheck::scan(const Scope& scope, Matcher& matcher) {
  by_chunks_ = scanning_ = true;
  only_type_ = scope.options().type;
  for (Side* side : {&source_, &target_}) {
    const std::string before = identity(*side);
    for (size_t node = 0; node < side->node_count(); ++node)
      co_await scan_node(*side, node, scope, matcher);
    if (identity(*side) != before)
      throw ConnectionError(
          fmt::format("servers of the {} have changed while it was read", side->title()));
  }
  co_await pass_.account_for_moves();
  scanning_ = false;
}

asio::awaitable<void> PositionCheck::scan_node(Side& side, size_t node, const Scope& scope,
                                               Matcher& matcher) {
  std::vector<std::string> request{"INFO", "keyspace"};
  const resp::Value info = co_await side.node(node).client->command_or_throw(std::move(request));
  for (const DbKeys& each : info_keyspace(info.text)) {
    if (!scope.takes(each.db)) continue;
    std::string cursor = "0";
    do {
      std::vector<std::string> names =
          co_await scan_page(side, node, each.db, scope.options(), cursor);
      std::vector<Candidate> keys;
      for (std::string& name : names) {
        if (scope.take(each.db, name) != Take::yes) continue;
        if (is_own_key(name)) {
          matcher.add(side, node, {.db = each.db, .key = name});  // which counts it
        } else if (!side.serves(node, name) || on_the_move(name)) {
          matcher.add_unread(side, node, each.db, name);
        } else {
          keys.push_back({.db = each.db, .key = std::move(name)});
        }
      }
      co_await compare_chunk(side, std::move(keys));
    } while (cursor != "0" && node < side.node_count());
  }
}

/// Such a key is met at either node, and at last by its name: the matcher has it once.
bool PositionCheck::on_the_move(Bytes key) const {
  return source_.on_the_move(key) || target_.on_the_move(key);
}

asio::awaitable<void> PositionCheck::compare_chunk(const Side& side, std::vector<Candidate> keys) {
  if (side.name() == SideName::target) keys = co_await absent_from(source_, std::move(keys));
  compared_ += keys.size();
  co_await settle(std::move(keys));
}

asio::awaitable<void> PositionCheck::compare_listed(const Scope& scope) {
  by_chunks_ = scanning_ = true;
  KeyList list(scope.options().keys, scope);
  for (std::vector<Candidate> keys = list.next(); !keys.empty(); keys = list.next())
    co_await compare_chunk(source_, std::move(keys));
  scanning_ = false;
}

/// SCAN may give a key twice, and one whose slot begins to move is met again by its name.
bool PositionCheck::told_before(const Candidate& key) {
  return by_chunks_ && !told_.insert(hash_of(key)).second;
}

}  // namespace lockstep::verifier
