#include "verifier/key_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sync/base/error.h"
#include "sync/fence/fence.h"
#include "verifier/parallel.h"
#include "verifier/plain_read.h"
#include "verifier/rdb_file.h"
#include "verifier/show_command.h"

namespace lockstep::verifier {

namespace {

constexpr uint32_t fenced_since = 70000;
constexpr int attempts_max = 8;
constexpr milliseconds first_pause{50};
/// A key that is sent from node to node is not there for a moment.
constexpr int attempts_on_the_move = 3;
/// MULTI, DUMP, PTTL, INFO, EXEC.
constexpr size_t commands_per_key = 5;

/// Keys to ask one node for, by their place in the request.
struct Batch {
  std::vector<std::string> keys;
  std::vector<size_t> places;
};
using Batches = std::map<std::pair<size_t, DbIndex>, Batch>;

Batches by_node(const Side& side, const std::vector<Candidate>& keys) {
  Batches batches;
  for (size_t i = 0; i < keys.size(); ++i) {
    for (const size_t node : side.holders(keys[i].key)) {
      Batch& batch = batches[{node, keys[i].db}];
      batch.keys.push_back(keys[i].key);
      batch.places.push_back(i);
    }
  }
  return batches;
}

void take(Reading& reading, fence::FencedKey&& key, size_t node, int64_t now_ms) {
  reading.now_ms = now_ms;
  if (!key.dump_payload) return;
  reading.payload = std::move(key.dump_payload);
  reading.expire_at = key.expire_at;
  reading.nodes.push_back(node);
}

size_t payload_bytes(const std::vector<fence::FencedKey>& keys) {
  size_t bytes = 0;
  for (const fence::FencedKey& key : keys) bytes += key.dump_payload ? key.dump_payload->size() : 0;
  return bytes;
}

asio::awaitable<std::vector<fence::FencedKey>> read_some(Node& node, DbIndex db,
                                                         std::vector<std::string> keys) {
  if (node.version_number >= fenced_since) {
    try {
      auto read = co_await fence::read_keys(*node.client, db, keys);
      co_return read;
    } catch (const fence::SourceFull&) {  // a plain read is served
    }
  }
  auto read = co_await read_plainly(*node.client, db, std::move(keys));
  co_return read;
}

/// Keys of a file, at their places.
void read_from_file(const Side& side, size_t node, DbIndex db, const Batch& batch,
                    const std::vector<Candidate>& keys, std::vector<Reading>& readings) {
  std::vector<RdbFile::Wanted> wanted;
  std::vector<size_t> places;
  for (const size_t at : batch.places) {
    readings[at].now_ms = side.now_ms(node);
    const Candidate& key = keys[at];
    const auto& place = key.places[static_cast<size_t>(side.name())];
    if (key.located && (!place || place->node != node)) continue;
    places.push_back(at);
    wanted.push_back({db, key.key, std::nullopt});
    if (key.located) wanted.back().offset = place->offset;
  }
  std::vector<RdbFile::Found> found = side.node(node).file->find(std::move(wanted));
  for (size_t i = 0; i < found.size(); ++i) {
    Reading& reading = readings[places[i]];
    if (!found[i].payload) continue;
    reading.payload = std::move(found[i].payload);
    reading.expire_at = found[i].expire_at;
    reading.nodes.push_back(node);
  }
}

asio::awaitable<std::vector<Reading>> read_once(Side& side, std::vector<Candidate> keys) {
  std::vector<Reading> readings(keys.size());
  const Batches batches = by_node(side, keys);
  for (const auto& [where, batch] : batches) {
    const auto [node, db] = where;
    if (side.node(node).file) {
      read_from_file(side, node, db, batch, keys, readings);
      continue;
    }
    std::vector<size_t> places = batch.places;
    std::vector<std::string> left = batch.keys;
    while (!left.empty()) {
      co_await side.await_turn(node, left.size() * commands_per_key);
      const auto begin = std::chrono::steady_clock::now();
      auto read = co_await read_some(side.node(node), db, left);
      side.node(node).pace.answered(std::chrono::steady_clock::now() - begin,
                                    read.size() * commands_per_key, payload_bytes(read));
      for (size_t i = 0; i < read.size(); ++i)
        take(readings[places[i]], std::move(read[i]), node, side.now_ms(node));
      left.erase(left.begin(), left.begin() + static_cast<ptrdiff_t>(read.size()));
      places.erase(places.begin(), places.begin() + static_cast<ptrdiff_t>(read.size()));
    }
  }
  co_return readings;
}

}  // namespace

SlotOnTheMove::SlotOnTheMove(const Side& side, Slot slot)
    : ConnectionError(fmt::format(
          "slot {} of the {} is half moved from one node to another: end that with redis-cli "
          "--cluster fix",
          slot.value, side.title())),
      slot_(slot) {}

std::optional<Slot> sent_on(Bytes error) {
  const auto redirect = cluster::parse_redirect(error);
  return redirect && redirect->ask ? std::optional(redirect->slot) : std::nullopt;
}

asio::awaitable<std::vector<Reading>> read_keys(Side& side, std::vector<Candidate> keys) {
  std::string failure;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    std::optional<Slot> moving;
    try {
      if (attempt > 0) co_await side.refresh();
      std::vector<Reading> readings = co_await read_once(side, keys);
      co_return readings;
    } catch (const fence::KeyMoved& error) {
      failure = error.what();
      if (error.redirect().ask) moving = error.redirect().slot;
    } catch (const ConnectionError& error) {  // also LOADING, CLUSTERDOWN
      failure = error.what();
    }
    if (moving && attempt + 1 >= attempts_on_the_move) throw SlotOnTheMove(side, *moving);
    co_await pause_for(first_pause * (1 << attempt));
  }
  throw ConnectionError(failure);
}

std::string show_command(const Side& side, const Reading& reading, const Candidate& key,
                         const std::string& what) {
  const size_t node = reading.nodes.empty() ? side.holders(key.key).front() : reading.nodes.front();
  return client_command(side.node(node).endpoint, key.db, key.key, what);
}

}  // namespace lockstep::verifier
