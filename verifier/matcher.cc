#include "verifier/matcher.h"

#include <algorithm>

namespace lockstep::verifier {

bool Matcher::equal(const KeyRecord& a, const KeyRecord& b) const {
  const bool source_first = a.side() == SideName::source;
  const KeyRecord& source = source_first ? a : b;
  const KeyRecord& target = source_first ? b : a;
  return source.kind() == target.kind() && source.digest == target.digest &&
         tolerance_.same(source.expire_at(), target.expire_at());
}

bool Matcher::is_stray(const Side& side, size_t node, DbIndex db, Bytes key) {
  if (side.serves(node, key)) return false;
  strays_.push_back({side.name(), node, db, std::string(key)});
  return true;
}

void Matcher::add_unread(const Side& side, size_t node, DbIndex db, Bytes key) {
  if (!is_stray(side, node, db, key)) candidates_.push_back({db, std::string(key)});
}

void Matcher::add(const Side& side, size_t node, const KeySeen& seen) {
  ++seen_[static_cast<size_t>(side.name())];
  if (is_stray(side, node, seen.db, seen.key)) return;
  Arrival& arrival = arrivals_[next_++ % arrivals_.size()];
  if (arrival.record.used()) match(arrival);
  arrival.record = KeyRecord(hash_key(seen.db, seen.key), seen.digest, seen.kind, seen.expire_at,
                             side.name(), static_cast<uint32_t>(node));
  arrival.db = seen.db;
  arrival.key = seen.key;
  table_.prefetch(arrival.record.key);
}

void Matcher::finish() {
  for (size_t i = 0; i < arrivals_.size(); ++i) {
    Arrival& arrival = arrivals_[next_++ % arrivals_.size()];
    if (arrival.record.used()) match(arrival);
    arrival.record = KeyRecord();
  }
}

void Matcher::match(const Arrival& arrival) {
  const KeyRecord& record = arrival.record;
  const auto held = table_.exchange(record);
  if (!held) return;
  const bool other_side = held->side() != record.side();
  matched_ += other_side ? 1 : 0;
  // SCAN may give a key twice; two nodes that have it are another matter.
  const bool same_place = !other_side && held->node() == record.node();
  if (same_place || (other_side && equal(*held, record))) return;
  candidates_.push_back({arrival.db, arrival.key});
}

std::vector<Candidate> Matcher::take_candidates() {
  std::sort(candidates_.begin(), candidates_.end());
  candidates_.erase(std::unique(candidates_.begin(), candidates_.end()), candidates_.end());
  return std::move(candidates_);
}

std::vector<uint64_t> Matcher::unmatched(SideName side, size_t node_count) const {
  std::vector<uint64_t> counts(node_count);
  table_.for_each([&](const KeyRecord& record) {
    if (record.side() == side && record.node() < node_count) ++counts[record.node()];
  });
  return counts;
}

void Matcher::name(SideName side, DbIndex db, Bytes key) {
  const KeyRecord* record = table_.find(hash_key(db, key));
  if (record && record->side() == side) candidates_.push_back({db, std::string(key)});
}

}  // namespace lockstep::verifier
