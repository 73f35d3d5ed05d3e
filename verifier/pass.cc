#include "verifier/pass.h"

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "verifier/big_compare.h"
#include "verifier/key_list.h"
#include "verifier/key_reader.h"
#include "verifier/parallel.h"
#include "verifier/rdb_file.h"

namespace lockstep::verifier {

namespace {

/// Of values that are held at once, as the servers count them.
constexpr uint64_t listed_bytes_max = 16 << 20;

}  // namespace

asio::awaitable<ReadMode> Pass::run(ReadMode mode, std::string& note) {
  if (mode != ReadMode::automatic) {
    co_await read_both(mode);
    co_await account_for_moves();
    co_return mode;
  }
  try {
    co_await read_both(ReadMode::snapshot);
    co_await account_for_moves();
    co_return ReadMode::snapshot;
  } catch (const SnapshotRefused& error) {
    note = std::string("read by SCAN, because a snapshot was refused: ") + error.what();
  }
  forget();
  co_await read_both(ReadMode::scan);
  co_await account_for_moves();
  co_return ReadMode::scan;
}

void Pass::forget() {
  matcher_.clear();
  counters_[0] = counters_[1] = ReadCounters();
  for (auto& positions : positions_) positions.clear();
}

bool Pass::in_scope(const Side& side, size_t node) const {
  return !scope_.slots() || side.owns_any(node, *scope_.slots());
}

asio::awaitable<void> Pass::read_both(ReadMode mode) {
  std::vector<asio::awaitable<void>> sides;
  sides.push_back(read_side(source_, mode));
  sides.push_back(read_side(target_, mode));
  // A side's keys go where the other's do not. Snapshots have connections of their own; those of a
  // scan belong to this thread.
  if (mode == ReadMode::snapshot) sides.front() = run_on_thread(std::move(sides.front()));
  co_await run_all(std::move(sides));
}

asio::awaitable<void> Pass::read_side(Side& side, ReadMode mode) {
  std::vector<asio::awaitable<void>> tasks;
  positions_[static_cast<size_t>(side.name())].resize(side.node_count());
  for (size_t node = 0; node < side.node_count(); ++node) {
    if (in_scope(side, node)) tasks.push_back(read_node(side, node, mode));
  }
  co_await run_all(std::move(tasks));
}

asio::awaitable<void> Pass::read_node(Side& side, size_t node, ReadMode mode) {
  ReadCounters& counters = counters_[static_cast<size_t>(side.name())];
  OnKey on_key = [this, &side, node](const KeySeen& seen) { matcher_.add(side, node, seen); };
  if (side.node(node).file) {
    co_await side.node(node).file->read(scope_, std::move(on_key), counters);
  } else if (mode == ReadMode::snapshot) {
    co_await read_snapshot(side.node(node), transfer_, scope_, std::move(on_key), counters);
  } else {
    OnName on_unreadable = [this, &side, node](DbIndex db, Bytes key) {
      matcher_.add_unread(side, node, db, key);
    };
    ScanPosition& position = positions_[static_cast<size_t>(side.name())][node];
    co_await read_by_scan(side, node, scope_, std::move(on_key), std::move(on_unreadable), counters,
                          position, on_page_);
  }
}

void Pass::resume(SideName side, const ReadCounters& counters,
                  std::vector<ScanPosition> positions) {
  counters_[static_cast<size_t>(side)] = counters;
  positions_[static_cast<size_t>(side)] = std::move(positions);
}

asio::awaitable<void> Pass::run_listed(std::string path) {
  KeyList list(std::move(path), scope_);
  for (std::vector<Candidate> keys = list.next(); !keys.empty(); keys = list.next()) {
    const std::vector<uint64_t> sizes = co_await value_sizes(source_, target_, keys);
    std::vector<Candidate> group;
    uint64_t bytes = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!group.empty() && bytes + sizes[i] > listed_bytes_max) {
        co_await read_listed(std::exchange(group, {}));
        bytes = 0;
      }
      bytes += sizes[i];
      group.push_back(std::move(keys[i]));
    }
    co_await read_listed(std::move(group));
  }
}

asio::awaitable<void> Pass::read_listed(std::vector<Candidate> keys) {
  for (Side* side : {&source_, &target_}) {
    std::vector<Candidate> left = keys;
    while (!left.empty()) {
      try {
        const std::vector<Reading> readings = co_await read_keys(*side, left);
        for (size_t i = 0; i < left.size(); ++i) add(*side, left[i], readings[i]);
        left.clear();
      } catch (const SlotOnTheMove& moving) {
        add_names(*side, moving.slot(), left);
      }
    }
  }
}

/// Those of the slot leave `keys`: they are to be read again.
void Pass::add_names(Side& side, Slot slot, std::vector<Candidate>& keys) {
  std::erase_if(keys, [&](const Candidate& key) {
    if (cluster::slot_of(key.key) != slot) return false;
    matcher_.add_unread(side, side.owner(slot), key.db, key.key);
    return true;
  });
}

/// What was read of a key, as a reader would give it.
void Pass::add(Side& side, const Candidate& key, const Reading& reading) {
  if (!reading.payload) return;
  ReadCounters& counters = counters_[static_cast<size_t>(side.name())];
  ++counters.keys;
  counters.bytes += reading.payload->size();
  for (const size_t node : reading.nodes) {
    if (!add_payload(key.db, key.key, *reading.payload, reading.expire_at,
                     [&](const KeySeen& seen) {
                       if (scope_.takes(seen.kind)) matcher_.add(side, node, seen);
                     }))
      matcher_.add_unread(side, node, key.db, key.key);
  }
}

}  // namespace lockstep::verifier
