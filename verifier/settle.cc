#include "verifier/settle.h"

#include <algorithm>
#include <cstdlib>

#include "sync/cluster/slot.h"
#include "sync/rdb/format.h"
#include "verifier/big_compare.h"
#include "verifier/key_reader.h"
#include "verifier/parallel.h"
#include "verifier/piece_reader.h"

namespace lockstep::verifier {

namespace {

constexpr size_t batch_keys = 128;
/// Of values that are held at once, as the servers count them.
constexpr uint64_t group_bytes_max = 16 << 20;
constexpr milliseconds round_pause{100};
constexpr size_t source_seen_max = 256;

}  // namespace

bool replicates_entries_read(const Side& source) {
  for (size_t i = 0; i < source.node_count(); ++i) {
    const uint32_t version = source.node(i).version_number;
    if (version >= 70000 && version < 70200) return false;
  }
  return true;
}

namespace {

/// Servers that may have evicted it.
std::vector<std::string> evicted_by(const Side& target, const Candidate& key,
                                    const Reading& source) {
  std::vector<std::string> nodes;
  for (const size_t at : target.holders(key.key)) {
    const Node& node = target.node(at);
    const bool may = node.maxmemory_policy.starts_with("allkeys-") ||
                     (node.maxmemory_policy.starts_with("volatile-") && source.expire_at);
    if (may && node.evicted_keys > 0) nodes.push_back(node.endpoint.label());
  }
  return nodes;
}

bool knows_field_expiries(const Node& node) {
  if (!node.valkey_version.empty()) return std::atoi(node.valkey_version.c_str()) >= 9;
  return node.version_number >= 70400;
}

/// By the type of its payload: fields of the hash expire.
bool has_field_expiries(const Reading& reading) {
  if (!reading.payload || reading.payload->empty()) return false;
  return rdb::has_field_expiries(static_cast<rdb::ValueType>(reading.payload->front()));
}

/// The target's version has no form for the key: it can only be missing there.
bool cannot_hold(const Node& node, const Reading& source, const std::string& source_type) {
  constexpr uint32_t first_with_streams = 50000;
  if (source_type == "stream") return node.version_number < first_with_streams;
  return has_field_expiries(source) && !knows_field_expiries(node);
}

void explain(const Side& target, const Candidate& key, const Reading& source,
             Difference& difference) {
  const bool missing = difference.diff_class == DiffClass::missing;
  const Node& node = target.node(target.holders(key.key).front());
  const bool unsupported =
      (missing && cannot_hold(node, source, difference.source_type)) ||
      (difference.diff_class == DiffClass::field_expiry && !knows_field_expiries(node));
  if (unsupported) {
    difference.explained = Explained::unsupported;
    return;
  }
  if (missing) difference.evicted_by = evicted_by(target, key, source);
  if (!difference.evicted_by.empty()) difference.explained = Explained::evicted;
}

}  // namespace

Difference describe(const Side& source_side, const Side& target_side, const Candidate& key,
                    const Reading& source, const Reading& target, const Comparison& comparison) {
  const std::string& type =
      comparison.source_type != "none" ? comparison.source_type : comparison.target_type;
  const std::string what = comparison.diff_class == DiffClass::expiry ? "expiry" : type;
  Difference difference{.diff_class = comparison.diff_class,
                        .db = key.db,
                        .key = key.key,
                        .source_type = comparison.source_type,
                        .target_type = comparison.target_type,
                        .detail = comparison.detail,
                        .source_expiry = source.expire_at,
                        .target_expiry = target.expire_at,
                        .source_command = show_command(source_side, source, key, what),
                        .target_command = show_command(target_side, target, key, what)};
  explain(target_side, key, source, difference);
  return difference;
}

namespace {

std::string text_of(const std::array<std::vector<NodeActivity>, 2>& activity) {
  std::string text;
  for (const auto& side : activity) {
    for (const NodeActivity& node : side) text += node.state;
  }
  return text;
}

}  // namespace

asio::awaitable<QuietWatch::Activity> QuietWatch::ask() {
  Activity now;
  now[0] = co_await source_.activity();
  now[1] = co_await target_.activity();
  co_return now;
}

void QuietWatch::take(Activity now, bool same, Clock::time_point asked) {
  if (!same) since_ = asked;
  if (!same && looks_ > 0) ++changes_;
  ++looks_;
  last_ = text_of(now);
  seen_ = std::move(now);
}

asio::awaitable<bool> QuietWatch::look() {
  const Clock::time_point asked = Clock::now();
  Activity now = co_await ask();
  const bool same = looks_ > 0 && text_of(now) == last_;
  take(std::move(now), same, asked);
  const bool idle = co_await engine_idle();
  if (!idle) since_ = Clock::now();
  co_return idle ? same : false;
}

asio::awaitable<bool> QuietWatch::engine_idle() {
  if (!engine_) co_return true;
  try {
    const EngineStatus status = co_await engine_->status();
    co_return status.caught_up && !status.held;
  } catch (const ConnectionError&) {
    co_return true;
  }
}

asio::awaitable<void> QuietWatch::await_engine(milliseconds limit) {
  const Clock::time_point end = Clock::now() + limit;
  while (Clock::now() < end) {
    const bool idle = co_await engine_idle();
    if (idle) co_return;
    co_await pause_for(round_pause);
  }
}

bool QuietWatch::only_saved(const Activity& now, const Side& side) const {
  const auto index = static_cast<size_t>(side.name());
  const std::vector<NodeActivity>& before = seen_[index];
  if (before.size() != side.node_count()) return false;
  for (size_t i = 0; i < side.node_count(); ++i) {
    const NodeActivity& after = now[index][i];
    if (after.state != before[i].state && !after.only_saved(before[i], side.node(i).snapshot))
      return false;
  }
  return true;
}

asio::awaitable<bool> QuietWatch::look_after_snapshots() {
  const Clock::time_point asked = Clock::now();
  Activity now = co_await ask();
  const bool same = looks_ > 0 && only_saved(now, source_) && only_saved(now, target_);
  for (const Side* side : {&source_, &target_}) {
    for (size_t i = 0; same && i < side->node_count(); ++i) {
      if (side->node(i).snapshot) since_ = std::max(since_, side->node(i).snapshot->taken);
    }
  }
  take(std::move(now), same, asked);
  co_return same;
}

Settle::Settle(Side& source, Side& target, QuietWatch& quiet, const VerifyOptions& options,
               VerifyReport& report, DifferenceLog& log)
    : source_(source),
      target_(target),
      quiet_(quiet),
      options_(options),
      report_(report),
      log_(log),
      tolerance_{options.expiry_tolerance, options.expiry_grace} {}

asio::awaitable<void> Settle::run(std::vector<Candidate> candidates) {
  tolerance_.entries_read = replicates_entries_read(source_);
  const Clock::time_point end = Clock::now() + options_.settle;
  for (Candidate& candidate : candidates) pending_.push_back({.key = std::move(candidate)});
  while (!pending_.empty()) {
    co_await round(Clock::now() >= end);
    if (!pending_.empty()) co_await pause_for(round_pause);
  }
}

asio::awaitable<void> Settle::round(bool last) {
  Batch left;
  for (size_t first = 0; first < pending_.size(); first += batch_keys) {
    const size_t count = std::min(batch_keys, pending_.size() - first);
    const auto begin = std::make_move_iterator(pending_.begin() + static_cast<ptrdiff_t>(first));
    Batch batch(begin, begin + static_cast<ptrdiff_t>(count));
    Batch rest = co_await settle_batch(std::move(batch), last);
    std::move(rest.begin(), rest.end(), std::back_inserter(left));
  }
  pending_ = std::move(left);
}

asio::awaitable<Settle::Batch> Settle::settle_batch(Batch batch, bool last) {
  std::vector<Candidate> keys;
  for (const Pending& pending : batch) keys.push_back(pending.key);
  const std::vector<uint64_t> sizes = co_await value_sizes(source_, target_, std::move(keys));
  Batch left, group;
  uint64_t bytes = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (sizes[i] >= big_value_bytes) {
      co_await settle_group(std::exchange(group, {}), last, left);
      bytes = 0;
      co_await settle_big(std::move(batch[i]), sizes[i], last, left);
      continue;
    }
    if (bytes + sizes[i] > group_bytes_max) {
      co_await settle_group(std::exchange(group, {}), last, left);
      bytes = 0;
    }
    bytes += sizes[i];
    group.push_back(std::move(batch[i]));
  }
  co_await settle_group(std::move(group), last, left);
  co_return left;
}

asio::awaitable<void> Settle::settle_group(Batch group, bool last, Batch& left) {
  while (!group.empty()) {
    try {
      co_await settle_readable(group, last, left);
    } catch (const SlotOnTheMove& moving) {
      put_off(group, moving, last, left);
    }
  }
}

void Settle::put_off(Batch& group, const SlotOnTheMove& moving, bool last, Batch& left) {
  Batch rest;
  for (Pending& pending : group) {
    if (cluster::slot_of(pending.key.key) != moving.slot()) {
      rest.push_back(std::move(pending));
    } else if (last) {
      log_.add(Unverifiable{pending.key.db, pending.key.key, moving.what()});
    } else {
      left.push_back(std::move(pending));
    }
  }
  group = std::move(rest);
}

asio::awaitable<void> Settle::settle_readable(Batch& group, bool last, Batch& left) {
  std::vector<Candidate> keys;
  for (const Pending& pending : group) keys.push_back(pending.key);
  // The source first: what the target has then is not older than what the source was seen with,
  // unless it is behind.
  const std::vector<Reading> sources = co_await read_keys(source_, keys);
  const std::vector<Reading> targets = co_await read_keys(target_, keys);
  const bool unchanged = co_await quiet_.look();
  const bool quiet = unchanged && quiet_.quiet_for(options_.confirm_quiet);
  for (size_t i = 0; i < group.size(); ++i) {
    const Comparison comparison = compare(sources[i], targets[i], tolerance_);
    if (!settled(group[i], sources[i], targets[i], comparison, quiet, last))
      left.push_back(std::move(group[i]));
  }
  group.clear();
}

/// A key whose value is not held.
asio::awaitable<void> Settle::settle_big(Pending pending, uint64_t bytes, bool last, Batch& left) {
  Batch group;
  group.push_back(std::move(pending));
  BigComparison read;
  try {
    read = co_await compare_big(source_, target_, group.front().key, bytes, tolerance_);
  } catch (const SlotOnTheMove& moving) {
    put_off(group, moving, last, left);
  }
  if (group.empty()) co_return;
  const bool unchanged = co_await quiet_.look();
  const bool quiet = unchanged && quiet_.quiet_for(options_.confirm_quiet);
  if (!settled(group.front(), read.source, read.target, read.comparison, quiet, last))
    left.push_back(std::move(group.front()));
}

/// Whether the target holds what the source was seen to hold in an earlier reading.
bool Settle::follows(Pending& pending, const Seen& source, const Seen& target) const {
  std::vector<Seen>& seen = pending.source_seen;
  const bool first = seen.empty();
  const bool source_same = !first && seen.back() == source;
  if (!first && (!source_same || pending.target_seen != target)) pending.changed = true;
  if (!source_same && seen.size() < source_seen_max) seen.push_back(source);
  pending.target_seen = target;
  return pending.changed && std::any_of(seen.begin(), seen.end(), [&](const Seen& earlier) {
           return earlier.digest == target.digest &&
                  tolerance_.same(earlier.expire_at, target.expire_at);
         });
}

bool Settle::settled(Pending& pending, const Reading& source, const Reading& target,
                     const Comparison& comparison, bool quiet, bool last) {
  switch (comparison.outcome) {
    case Outcome::unverifiable:
      log_.add(Unverifiable{pending.key.db, pending.key.key, comparison.detail});
      return true;
    case Outcome::expired:
      ++report_.expired;
      return true;
    case Outcome::equal:
      ++report_.settled;
      return true;
    case Outcome::different:
      break;
  }
  if (follows(pending, {comparison.source_digest, source.expire_at},
              {comparison.target_digest, target.expire_at})) {
    ++report_.settled;
    return true;
  }
  if (!quiet && !last) return false;
  report_pending(pending, describe(source_, target_, pending.key, source, target, comparison),
                 quiet);
  return true;
}

void Settle::report_pending(const Pending& pending, Difference difference, bool quiet) {
  if (pending.changed && !quiet) {
    log_.add_flapping(difference);
  } else {
    log_.add(std::move(difference));
  }
}

}  // namespace lockstep::verifier
