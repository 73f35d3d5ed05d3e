#include "verifier/scan_batch.h"

#include <algorithm>

#include "sync/cluster/slot.h"
#include "sync/resp/encoder.h"

namespace lockstep::verifier {

namespace {

constexpr uint64_t reply_bytes_max = 8 << 20;
/// Of a value whose size is not known, as a guess.
constexpr uint64_t unknown_bytes = 1 << 10;

void add_command(ScanBatch& batch, std::initializer_list<Bytes> words) {
  resp::append_command(batch.requests, words);
  ++batch.replies;
  ++batch.commands;
}

/// From the front of a queue, at least one.
ScannedKeys take(std::deque<ScannedKey>& queue, size_t keys_max, uint64_t& bytes) {
  ScannedKeys keys;
  while (!queue.empty() && keys.size() < keys_max) {
    const uint64_t next = queue.front().bytes == 0 ? unknown_bytes : queue.front().bytes;
    if (bytes > 0 && bytes + next > reply_bytes_max) break;
    bytes += next;
    keys.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return keys;
}

std::vector<ScannedKeys> by_slot(ScannedKeys keys) {
  std::vector<std::pair<uint16_t, size_t>> order;
  for (size_t i = 0; i < keys.size(); ++i)
    order.emplace_back(cluster::slot_of(keys[i].name).value, i);
  std::sort(order.begin(), order.end());
  std::vector<ScannedKeys> groups;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || order[i].first != order[i - 1].first) groups.emplace_back();
    groups.back().push_back(std::move(keys[order[i].second]));
  }
  return groups;
}

class ExpiryRequests {
 public:
  ExpiryRequests(ScanBatch& batch, bool absolute) : batch_(batch), absolute_(absolute) {}

  void add(const ScannedKeys& keys) {
    for (const ScannedKey& key : keys) {
      if (key.expiry_known) continue;
      if (!absolute_ && count_++ % expiries_between_times == 0) add_command(batch_, {"TIME"});
      add_command(batch_, {absolute_ ? "PEXPIRETIME" : "PTTL", key.name});
    }
  }
  void end() {
    if (count_ > 0) add_command(batch_, {"TIME"});
  }

 private:
  ScanBatch& batch_;
  bool absolute_;
  size_t count_ = 0;
};

void append_expiries(ScanBatch& batch, bool absolute) {
  ExpiryRequests requests(batch, absolute);
  for (const ScannedKeys& keys : batch.mgets) requests.add(keys);
  requests.add(batch.dumps);
  requests.end();
}

void append_mgets(ScanBatch& batch) {
  for (const ScannedKeys& keys : batch.mgets) {
    resp::append_array_header(batch.requests, keys.size() + 1);
    resp::append_bulk(batch.requests, "MGET");
    for (const ScannedKey& key : keys) resp::append_bulk(batch.requests, key.name);
    ++batch.replies;
    batch.commands += keys.size();
  }
}

}  // namespace

void make_absolute(ScannedKey& key, int64_t before_ms, int64_t after_ms) {
  if (key.expire_at) key.expire_at->ms += before_ms + (after_ms - before_ms) / 2;
}

void fill_batch(ScanBatch& batch, ScanQueues& queues, const ReadingWays& ways, size_t keys_max) {
  uint64_t bytes = 0;
  batch.dumps = take(queues.sized, keys_max, bytes);
  ScannedKeys strings = take(queues.unread, keys_max, bytes);
  if (ways.by_slot) {
    batch.mgets = by_slot(std::move(strings));
  } else if (!strings.empty()) {
    batch.mgets.push_back(std::move(strings));
  }
  uint64_t no_bytes = 0;
  batch.sizes = take(queues.unsized, keys_max, no_bytes);
  batch.expiries = ways.expiries;
  if (ways.expiries) append_expiries(batch, ways.absolute);
  append_mgets(batch);
  for (const ScannedKey& key : batch.sizes) add_command(batch, {"MEMORY", "USAGE", key.name});
  for (const ScannedKey& key : batch.dumps) add_command(batch, {"DUMP", key.name});
  batch.info = !ways.expiries && !(batch.mgets.empty() && batch.dumps.empty());
  if (batch.info) add_command(batch, {"INFO", "keyspace"});
}

}  // namespace lockstep::verifier
