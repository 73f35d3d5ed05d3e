#include "verifier/stream_entries.h"

#include <fmt/format.h>

#include <algorithm>

#include "verifier/node_request.h"

namespace lockstep::verifier {

namespace {

constexpr size_t entries_at_once = 256;

/// From this id on.
asio::awaitable<resp::Value> read_page(Side& side, size_t node, Candidate key, std::string from) {
  std::vector<std::string> words{"XRANGE", key.key, std::move(from),
                                 "+",      "COUNT", std::to_string(entries_at_once)};
  co_await side.await_turn(node, 1);
  co_await select(side, node, DbIndex{0}, key.db);
  resp::Value page = co_await side.node(node).client->command(std::move(words));
  co_await select(side, node, key.db, DbIndex{0});
  co_return page;
}

std::string id_of(const resp::Value& entry) {
  return entry.items.empty() ? std::string() : entry.items[0].text;
}

/// `first`: which entry of the stream the page begins with.
std::optional<std::string> difference_of(const resp::Value& ours, const resp::Value& theirs,
                                         size_t first) {
  const auto [s, t] =
      std::mismatch(ours.items.begin(), ours.items.end(), theirs.items.begin(), theirs.items.end());
  if (s == ours.items.end() && t == theirs.items.end()) return std::nullopt;
  const std::string source = s == ours.items.end() ? "none" : id_of(*s);
  const std::string target = t == theirs.items.end() ? "none" : id_of(*t);
  return fmt::format("entry {}: source {}, target {}{}",
                     first + static_cast<size_t>(s - ours.items.begin()), source, target,
                     source == target ? ": fields differ" : "");
}

}  // namespace

asio::awaitable<std::optional<std::string>> differing_entry(Side& source, const BigValue& s,
                                                            Side& target, const BigValue& t,
                                                            Candidate key) {
  std::string from = "-";
  for (size_t first = 0;; first += entries_at_once - 1) {
    const resp::Value ours = co_await read_page(source, s.reading.nodes.front(), key, from);
    const resp::Value theirs = co_await read_page(target, t.reading.nodes.front(), key, from);
    if (ours.is_error() || theirs.is_error()) co_return std::nullopt;
    const auto found = difference_of(ours, theirs, first);
    if (found) co_return found;
    if (ours.items.size() < entries_at_once) co_return std::nullopt;
    from = id_of(ours.items.back());  // which comes again
  }
}

}  // namespace lockstep::verifier
