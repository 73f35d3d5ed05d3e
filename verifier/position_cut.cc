// The part of PositionCheck that knows what both sides held when they were read at one cut.

#include <algorithm>

#include "verifier/big_compare.h"
#include "verifier/key_reader.h"
#include "verifier/position_check.h"

namespace lockstep::verifier {

namespace {

constexpr size_t plain_batch_keys = 128;

std::string type_name(const std::optional<SeenState>& seen) {
  return seen ? rdb::kind_name(seen->kind) : "none";
}

}  // namespace

/// Without a hold: what is still as it was at the cut shows what was there.
asio::awaitable<void> PositionCheck::settle_unchanged() {
  std::deque<Pending> left;
  while (!pending_.empty()) {
    std::vector<Candidate> keys;
    for (size_t i = 0; i < std::min(plain_batch_keys, pending_.size()); ++i)
      keys.push_back(pending_[i].key);
    const std::vector<uint64_t> sizes = co_await value_sizes(source_, target_, std::move(keys));
    if (sizes.front() > held_bytes_max) {  // it is read in pieces
      left.push_back(std::move(pending_.front()));
      pending_.pop_front();
      continue;
    }
    const size_t count = fitting(sizes);
    std::vector<Pending> batch;
    while (batch.size() < count) {
      batch.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    co_await settle_batch(std::move(batch), left);
  }
  pending_ = std::move(left);
}

asio::awaitable<void> PositionCheck::settle_batch(std::vector<Pending> batch,
                                                  std::deque<Pending>& left) {
  std::vector<Candidate> keys;
  for (const Pending& each : batch) keys.push_back(each.key);
  std::vector<Reading> sources, targets;
  try {
    sources = co_await read_keys(source_, keys);
    targets = co_await read_keys(target_, keys);
  } catch (const SlotOnTheMove&) {  // holds tell whose
    targets.clear();
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    if (targets.empty() || !settled_at_cut(keys[i], std::move(sources[i]), std::move(targets[i])))
      left.push_back(std::move(batch[i]));
  }
}

bool PositionCheck::known_at_cut(const Candidate& key) const {
  return cut_ && key.seen_whole && !cut_->ahead.contains({key.db, key.key});
}

bool PositionCheck::settled_at_cut(const Candidate& key, Reading source, Reading target) {
  if (!known_at_cut(key)) return false;
  source.now_ms = cut_->now_ms[0];
  target.now_ms = cut_->now_ms[1];
  const Comparison comparison = compare(source, target, tolerance_);
  if (!as_seen(key.seen[0], source, comparison.source_digest) ||
      !as_seen(key.seen[1], target, comparison.target_digest))
    return false;
  if (!tell(key, source, target, comparison)) ++report_.settled;
  return true;
}

/// It differed at the cut, and is equal at a later position.
void PositionCheck::tell_of_cut(const Candidate& key, const Comparison& now) {
  const bool by_value = now.source_digest != now.target_digest;
  const CutState state =
      known_at_cut(key) && !by_value ? state_at_cut(key, tolerance_, cut_->now_ms) : CutState();
  switch (state.kind) {
    case CutState::Kind::unknown:
      ++report_.settled;
      return;
    case CutState::Kind::expired:
      ++report_.expired;
      return;
    case CutState::Kind::different:
      break;
  }
  Difference difference;
  difference.diff_class = state.diff_class;
  difference.db = key.db;
  difference.key = key.key;
  difference.source_type = type_name(key.seen[0]);
  difference.target_type = type_name(key.seen[1]);
  difference.detail = "at the cut; the key has been written again since, and agrees by now";
  if (key.seen[0]) difference.source_expiry = key.seen[0]->expire_at;
  if (key.seen[1]) difference.target_expiry = key.seen[1]->expire_at;
  log_.add(std::move(difference));
}

}  // namespace lockstep::verifier
