// The part of Pass that reads both sides at one position of the source.

#include <fmt/format.h>

#include "verifier/held_reader.h"
#include "verifier/parallel.h"
#include "verifier/pass.h"

namespace lockstep::verifier {

namespace {

asio::awaitable<void> attach_one(const Node& node, Transfer transfer, Snapshot& snapshot) {
  snapshot = co_await attach_snapshot(node.endpoint, transfer);
  if (!snapshot.link->start().plain_sync) co_return;
  throw SnapshotRefused(
      fmt::format("{} knows no PSYNC, so that its snapshot has no offset", node.endpoint.label()));
}

/// What the engine has written has not come there yet.
SnapshotRefused follows_another(const Node& node) {
  return SnapshotRefused(fmt::format(
      "{} is a replica, and may be behind what the engine has written: name its primary",
      node.endpoint.label()));
}

/// A fork that somebody else had asked for before is too old.
void require_not_older(const Node& node, const Snapshot& snapshot, Offset offset) {
  if (snapshot.link->start().offset >= offset) return;
  throw CutFailed(fmt::format("{} gave a snapshot that it had begun for another replica before",
                              node.endpoint.label()));
}

}  // namespace

asio::awaitable<PositionCut> Pass::run_at_position(EngineControl& engine, Transfer transfer) {
  forget();
  PositionCut cut;
  std::array<Snapshots, 2> snapshots;
  std::exception_ptr failure;
  try {
    co_await fix(engine, transfer, cut, snapshots);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await engine.give_up();
    std::rethrow_exception(failure);
  }
  std::vector<asio::awaitable<void>> tasks;
  for (Side* side : {&source_, &target_}) {
    Snapshots& own = snapshots[static_cast<size_t>(side->name())];
    for (size_t node = 0; node < own.size(); ++node) {
      if (own[node].link) tasks.push_back(read_attached(*side, node, std::move(own[node])));
    }
  }
  co_await run_all(std::move(tasks));
  co_await account_for_moves();
  co_return cut;
}

asio::awaitable<void> Pass::fix(EngineControl& engine, Transfer transfer, PositionCut& cut,
                                std::array<Snapshots, 2>& snapshots) {
  co_await engine.hold();
  co_await attach_all(source_, transfer, snapshots[0]);
  cut.now_ms[0] = source_.now_ms(0);
  std::map<std::string, Offset> positions;
  for (const Snapshot& each : snapshots[0]) {
    if (each.link) positions[each.link->start().replid.value] = each.link->start().offset;
  }
  EngineStatus status = co_await engine.advance(std::move(positions));
  cut.ahead = std::move(status.ahead);
  std::vector<Offset> not_before;
  for (size_t node = 0; node < target_.node_count(); ++node) {
    const StreamPosition position = co_await stream_position(target_.node(node));
    if (position.replica) throw follows_another(target_.node(node));
    not_before.push_back(position.offset);
  }
  co_await attach_all(target_, transfer, snapshots[1]);
  cut.now_ms[1] = target_.now_ms(0);
  for (size_t node = 0; node < target_.node_count(); ++node) {
    if (snapshots[1][node].link)
      require_not_older(target_.node(node), snapshots[1][node], not_before[node]);
  }
  co_await engine.release();
  for (const Side* side : {&source_, &target_}) {
    const auto index = static_cast<size_t>(side->name());
    for (size_t node = 0; node < snapshots[index].size(); ++node) {
      if (!snapshots[index][node].link) continue;
      const psync::SyncStart& start = snapshots[index][node].link->start();
      cut.positions[index].push_back(
          {side->node(node).endpoint.label(), start.replid.value, start.offset});
    }
  }
}

asio::awaitable<void> Pass::attach_all(Side& side, Transfer transfer, Snapshots& snapshots) {
  snapshots.resize(side.node_count());
  std::vector<asio::awaitable<void>> tasks;
  for (size_t node = 0; node < side.node_count(); ++node) {
    if (in_scope(side, node))
      tasks.push_back(attach_one(side.node(node), transfer, snapshots[node]));
  }
  co_await run_all(std::move(tasks));
}

asio::awaitable<void> Pass::read_attached(Side& side, size_t node, Snapshot snapshot) {
  OnKey on_key = [this, &side, node](const KeySeen& seen) { matcher_.add(side, node, seen); };
  co_await read_attached_snapshot(std::move(snapshot), scope_, std::move(on_key),
                                  counters_[static_cast<size_t>(side.name())]);
}

}  // namespace lockstep::verifier
