#include "verifier/held_reader.h"

#include <algorithm>
#include <numeric>

#include "sync/fence/fence.h"
#include "verifier/chunk_read.h"
#include "verifier/key_reader.h"
#include "verifier/script_read.h"

namespace lockstep::verifier {

namespace {

constexpr uint32_t transactions_since = 70000;
constexpr int at_once_attempts = 2;

/// Of one node and database, by their place in the request.
struct Batch {
  std::vector<std::string> keys;
  std::vector<size_t> places;
};
using Batches = std::map<std::pair<DbIndex, size_t>, Batch>;

asio::awaitable<std::vector<fence::FencedKey>> read_with_offsets(Node& node, DbIndex db,
                                                                 std::vector<std::string> keys) {
  if (node.version_number < transactions_since)
    co_return co_await read_by_script(*node.client, db, std::move(keys));
  // A second time, because a key whose time is over goes, and moves the offset, when it is read.
  for (int attempt = 0; attempt < at_once_attempts; ++attempt) {
    auto read = co_await read_at_one_offset(*node.client, db, keys);
    if (read) co_return std::move(*read);
  }
  co_return co_await fence::read_keys(*node.client, db, std::move(keys));
}

/// Whoever sends on to the node that is getting the key has its slot half moved.
asio::awaitable<std::vector<fence::FencedKey>> read_owned(Side& source, size_t node, DbIndex db,
                                                          std::vector<std::string> keys) {
  try {
    auto read = co_await read_with_offsets(source.node(node), db, std::move(keys));
    co_return read;
  } catch (const fence::KeyMoved& error) {
    if (error.redirect().ask) throw SlotOnTheMove(source, error.redirect().slot);
    throw;
  }
}

}  // namespace

asio::awaitable<StreamPosition> stream_position(Node& node) {
  std::vector<std::string> request{"INFO", "replication"};
  const resp::Value info = co_await node.client->command_or_throw(std::move(request));
  co_return position_of(node, info.text);
}

StreamPosition position_of(const Node& node, Bytes info) {
  StreamPosition position{std::string(info_field(info, "master_replid")),
                          {static_cast<int64_t>(info_number(info, "master_repl_offset"))}};
  position.replica = info_field(info, "role") == "slave";
  if (position.replid.empty()) position.replid = node.run_id;  // before 4.0
  return position;
}

asio::awaitable<CaughtUp> catch_up(Side& source, EngineControl& engine) {
  CaughtUp result;
  std::map<std::string, Offset> now;
  for (size_t i = 0; i < source.node_count(); ++i) {
    result.positions.push_back(co_await stream_position(source.node(i)));
    now[result.positions.back().replid] = result.positions.back().offset;
  }
  result.status = co_await engine.advance(std::move(now));
  co_return result;
}

asio::awaitable<std::vector<HeldPair>> HeldReader::read(std::vector<Candidate> keys,
                                                        OnStep on_step) {
  std::vector<HeldPair> pairs(keys.size());
  co_await while_held(engine_, read_held(std::move(keys), std::move(on_step), pairs));
  co_return pairs;
}

asio::awaitable<void> HeldReader::read_held(std::vector<Candidate> keys, OnStep on_step,
                                            std::vector<HeldPair>& pairs) {
  CaughtUp at = co_await catch_up(source_, engine_);
  begun_at_ = std::move(at.positions);
  const std::vector<Positions> offsets = co_await read_sources(keys, pairs);
  bool first = true;  // so that each hold gets on
  for (Step& step : steps(keys, offsets)) {
    if (!std::exchange(first, false) && engine_.held_for() > engine_.max_hold() / 2) co_return;
    co_await take_step(keys, std::move(step), on_step, pairs);
  }
}

asio::awaitable<std::vector<HeldReader::Positions>> HeldReader::read_sources(
    std::vector<Candidate> keys, std::vector<HeldPair>& pairs) {
  Batches batches;
  for (size_t i = 0; i < keys.size(); ++i) {
    for (const size_t node : source_.holders(keys[i].key)) {
      Batch& batch = batches[{keys[i].db, node}];
      batch.keys.push_back(keys[i].key);
      batch.places.push_back(i);
    }
  }
  std::vector<Positions> offsets(keys.size());
  for (const auto& [where, batch] : batches) {
    const auto [db, node] = where;
    auto read = co_await read_owned(source_, node, db, batch.keys);
    for (size_t i = 0; i < read.size(); ++i) {
      offsets[batch.places[i]][node] = read[i].offset;
      Reading& reading = pairs[batch.places[i]].source;
      reading.now_ms = source_.now_ms(node);
      if (!read[i].dump_payload) continue;
      reading.payload = std::move(read[i].dump_payload);
      reading.expire_at = read[i].expire_at;
      reading.nodes.push_back(node);
    }
  }
  co_return offsets;
}

/// Keys that follow one another at the same offsets make one step. In the order in which they were
/// read, each node's offsets only grow.
std::vector<HeldReader::Step> HeldReader::steps(const std::vector<Candidate>& keys,
                                                const std::vector<Positions>& offsets) {
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return keys[a].db < keys[b].db; });
  std::vector<Step> result;
  for (const size_t place : order) {
    const auto fits = [&](const auto& position) {
      const auto found = result.back().positions.find(position.first);
      return found == result.back().positions.end() || found->second == position.second;
    };
    if (result.empty() || !std::all_of(offsets[place].begin(), offsets[place].end(), fits))
      result.emplace_back();
    result.back().positions.insert(offsets[place].begin(), offsets[place].end());
    result.back().places.push_back(place);
  }
  return result;
}

std::map<std::string, Offset> HeldReader::by_replid(const Positions& positions) const {
  std::map<std::string, Offset> result;
  for (const auto& [node, offset] : positions) result[begun_at_[node].replid] = offset;
  return result;
}

asio::awaitable<void> HeldReader::take_step(const std::vector<Candidate>& keys, Step step,
                                            OnStep on_step, std::vector<HeldPair>& pairs) {
  const EngineStatus status = co_await engine_.advance(by_replid(step.positions));
  std::vector<Candidate> asked;
  for (const size_t place : step.places) asked.push_back(keys[place]);
  std::vector<Reading> targets = co_await read_keys(target_, asked);
  std::vector<size_t> read;
  for (size_t i = 0; i < step.places.size(); ++i) {
    HeldPair& pair = pairs[step.places[i]];
    pair.target = std::move(targets[i]);
    const bool ahead = status.ahead.contains({asked[i].db, asked[i].key});
    pair.state = ahead ? HeldPair::State::ahead : HeldPair::State::read;
    if (!ahead) read.push_back(step.places[i]);
  }
  if (on_step && !read.empty()) co_await on_step(std::move(read), pairs);
}

}  // namespace lockstep::verifier
