#include "verifier/pass.h"

#include "sync/base/error.h"
#include "verifier/parallel.h"

namespace lockstep::verifier {

asio::awaitable<ReadMode> Pass::run(ReadMode mode, std::string& note) {
  if (mode != ReadMode::automatic) {
    co_await read_both(mode);
    co_return mode;
  }
  try {
    co_await read_both(ReadMode::snapshot);
    co_return ReadMode::snapshot;
  } catch (const UserError& error) {
    note = std::string("read by SCAN, because a snapshot was refused: ") + error.what();
  }
  matcher_.clear();
  counters_[0] = counters_[1] = ReadCounters();
  co_await read_both(ReadMode::scan);
  co_return ReadMode::scan;
}

asio::awaitable<void> Pass::read_both(ReadMode mode) {
  std::vector<asio::awaitable<void>> tasks;
  for (Side* side : {&source_, &target_}) {
    for (size_t node = 0; node < side->node_count(); ++node)
      tasks.push_back(read_node(*side, node, mode));
  }
  co_await run_all(std::move(tasks));
}

asio::awaitable<void> Pass::read_node(Side& side, size_t node, ReadMode mode) {
  ReadCounters& counters = counters_[static_cast<size_t>(side.name())];
  OnKey on_key = [this, &side, node](const KeySeen& seen) { matcher_.add(side, node, seen); };
  if (mode == ReadMode::snapshot) {
    co_await read_snapshot(side.node(node).endpoint, std::move(on_key), counters);
  } else {
    OnName on_unreadable = [this, &side, node](DbIndex db, Bytes key) {
      matcher_.add_unread(side, node, db, key);
    };
    co_await read_by_scan(side.node(node), std::move(on_key), std::move(on_unreadable), counters);
  }
}

}  // namespace lockstep::verifier
