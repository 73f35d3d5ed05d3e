#include "verifier/position_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "verifier/big_compare.h"
#include "verifier/function_check.h"
#include "verifier/key_reader.h"
#include "verifier/parallel.h"
#include "verifier/run_to_end.h"

namespace lockstep::verifier {

namespace {

constexpr int attempts_max = 4;
constexpr int failures_max = 6;
constexpr milliseconds first_pause{100};
constexpr size_t batch_keys_some = 64;
constexpr size_t batch_keys_scanned = 256;
constexpr size_t plain_batch_keys = 128;
constexpr size_t batch_bytes = 16 << 20;
constexpr int64_t small_lag_bytes = 1 << 20;
constexpr milliseconds lag_limit{10000};
constexpr milliseconds lag_pause{50};
/// A slot that is half moved stays so for a while.
constexpr milliseconds half_moved_pause{200};
/// Between two holds, so that the engine gets on.
constexpr milliseconds hold_pause{20};

size_t payload_bytes(const Reading& reading) {
  return reading.payload ? reading.payload->size() : 0;
}

std::string type_name(const std::optional<SeenState>& seen) {
  return seen ? rdb::kind_name(seen->kind) : "none";
}

}  // namespace

PositionCheck::PositionCheck(Side& source, Side& target, Pass& pass, const VerifyOptions& options,
                             VerifyReport& report, DifferenceLog& log)
    : source_(source),
      target_(target),
      pass_(pass),
      options_(options),
      report_(report),
      log_(log),
      engine_(options.engine, options.max_hold),
      reader_(source, target, engine_),
      tolerance_{options.expiry_tolerance, options.expiry_grace},
      batch_keys_(batch_keys_some) {}

/// A hold is as long as what the engine has still to apply, and there is none before its full copy
/// is done; so it is let catch up before.
asio::awaitable<void> PositionCheck::await_caught_up() {
  const Clock::time_point end = Clock::now() + lag_limit;
  for (;;) {
    const EngineStatus status = co_await engine_.status();
    const bool near = status.state != "initialising" && status.behind_bytes <= small_lag_bytes;
    if (near || Clock::now() >= end) co_return;
    co_await pause_for(lag_pause);
  }
}

asio::awaitable<void> PositionCheck::refresh() {
  co_await source_.refresh();
  co_await target_.refresh();
}

asio::awaitable<void> PositionCheck::try_to_read(bool again, Transfer transfer) {
  if (again) co_await refresh();
  co_await await_caught_up();
  cut_ = co_await pass_.run_at_position(engine_, transfer);
}

/// A fork at once keeps the hold short; a server that cannot write the file for it gives a diskless
/// one after its delay, which the last attempt waits for.
Transfer PositionCheck::transfer_of(int attempt) const {
  if (options_.transfer != Transfer::automatic) return options_.transfer;
  return attempt + 1 == attempts_max ? Transfer::stream : Transfer::disk;
}

asio::awaitable<void> PositionCheck::read() {
  std::string failure;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const bool last = attempt + 1 == attempts_max;
    try {
      co_await try_to_read(attempt > 0, transfer_of(attempt));
      failure.clear();
    } catch (const SnapshotRefused& error) {
      if (last) throw;
      failure = error.what();
      attempt = attempts_max - 2;
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
    report_holds();
    if (failure.empty()) break;
    ++report_.engine->cuts_failed;
    if (!last) co_await pause_for(first_pause * (1 << attempt));
  }
  if (!failure.empty())
    throw CutFailed(fmt::format("no cut at a position in {} attempts: {}",
                                report_.engine->cuts_failed, failure));
  report_.source.positions = cut_->positions[0];
  report_.target.positions = cut_->positions[1];
  report_.engine->ahead += cut_->ahead.size();
}

void PositionCheck::report_holds() {
  const HoldTimes& times = engine_.times();
  report_.engine->holds = times.count;
  report_.engine->hold_longest = times.longest;
  report_.engine->hold_total = times.total;
}

std::vector<Candidate> PositionCheck::take_left() {
  std::vector<Candidate> left;
  for (Pending& each : pending_) left.push_back(std::move(each.key));
  pending_.clear();
  return left;
}

asio::awaitable<void> PositionCheck::settle(std::vector<Candidate> candidates) {
  tolerance_.entries_read = replicates_entries_read(source_);
  for (Candidate& each : candidates) pending_.push_back({std::move(each), std::nullopt});
  if (cut_) co_await settle_unchanged();
  int failures = 0;
  while (!pending_.empty()) {
    std::string failure;
    std::optional<Slot> moving;
    try {
      if (failures > 0) co_await refresh();
      co_await hold_once();
      failures = 0;
    } catch (const SlotOnTheMove& error) {
      failure = error.what();
      moving = error.slot();
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
    report_holds();
    if (failure.empty()) continue;
    ++report_.engine->cuts_failed;
    if (moving) {
      put_off_slot(*moving, failure);
      failures = 1;  // where it is by now is to be learnt
      co_await pause_for(half_moved_pause);
      continue;
    }
    batch_keys_ = std::max<size_t>(1, batch_keys_ / 4);
    if (++failures == failures_max)
      throw CutFailed(
          fmt::format("{} keys could not be read at a position: {}", pending_.size(), failure));
    co_await pause_for(first_pause * (1 << failures));
  }
}

/// Without a hold: what is still as it was at the cut shows what was there.
asio::awaitable<void> PositionCheck::settle_unchanged() {
  std::deque<Pending> left;
  while (!pending_.empty()) {
    std::vector<Candidate> keys;
    for (size_t i = 0; i < std::min(plain_batch_keys, pending_.size()); ++i)
      keys.push_back(pending_[i].key);
    const size_t count = co_await fitting(std::move(keys));
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

bool PositionCheck::tell(const Candidate& key, const Reading& source, const Reading& target,
                         const Comparison& comparison) {
  switch (comparison.outcome) {
    case Outcome::unverifiable:
      log_.add(Unverifiable{key.db, key.key, comparison.detail});
      return true;
    case Outcome::expired:
      ++report_.expired;
      return true;
    case Outcome::different:
      log_.add(describe(source_, target_, key, source, target, comparison));
      return true;
    case Outcome::equal:
      break;
  }
  return false;
}

size_t PositionCheck::batch_keys_max() const {
  return scanning_ ? batch_keys_scanned : batch_keys_some;
}

/// So many of the first of them have room in the memory together; at least one.
asio::awaitable<size_t> PositionCheck::fitting(std::vector<Candidate> keys) {
  const std::vector<uint64_t> sizes = co_await value_sizes(source_, target_, std::move(keys));
  size_t count = 0;
  for (uint64_t bytes = 0; count < sizes.size(); ++count) {
    bytes += sizes[count];
    if (bytes > batch_bytes && count > 0) break;
  }
  co_return count;
}

asio::awaitable<std::string> PositionCheck::compare_functions() {
  std::string failure;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    try {
      if (attempt > 0) co_await refresh();
      co_await check_functions_at_position(source_, target_, engine_, report_, log_);
      failure.clear();
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
    report_holds();
    if (failure.empty()) co_return failure;
    ++report_.engine->cuts_failed;
    co_await pause_for(first_pause * (1 << attempt));
  }
  co_return "functions could not be read at a position: " + failure;
}

asio::awaitable<void> PositionCheck::hold_once() {
  std::vector<Candidate> keys;
  for (size_t i = 0; i < std::min(batch_keys_, pending_.size()); ++i)
    keys.push_back(pending_[i].key);
  const size_t count = co_await fitting(keys);
  keys.resize(count);
  const milliseconds held_before = engine_.times().total;
  std::vector<HeldPair> pairs = co_await reader_.read(std::move(keys));
  const auto read = std::count_if(pairs.begin(), pairs.end(), [](const HeldPair& pair) {
    return pair.state != HeldPair::State::not_read;
  });
  slow_down(static_cast<size_t>(read), pairs);
  for (HeldPair& pair : pairs) {
    Pending pending = std::move(pending_.front());
    pending_.pop_front();
    take(std::move(pending), std::move(pair));
  }
  // Who holds it all the time lets it get on for as long as it was held.
  const milliseconds held = engine_.times().total - held_before;
  co_await pause_for(scanning_ ? std::max(held, milliseconds(1)) : hold_pause);
}

/// As many keys at a time as one hold and the memory have room for.
void PositionCheck::slow_down(size_t read, const std::vector<HeldPair>& pairs) {
  size_t largest = 1;
  for (const HeldPair& pair : pairs)
    largest = std::max({largest, payload_bytes(pair.source), payload_bytes(pair.target)});
  const size_t room = std::clamp<size_t>(batch_bytes / largest, 1, batch_keys_max());
  batch_keys_ = read < pairs.size() ? std::clamp<size_t>(read, 1, room) : room;
}

void PositionCheck::take(Pending pending, HeldPair pair) {
  if (pair.state == HeldPair::State::not_read) {
    pending_.push_back(std::move(pending));
  } else if (pair.state == HeldPair::State::ahead) {
    take_ahead(std::move(pending), std::move(pair));
  } else {
    const Comparison comparison = compare(pair.source, pair.target, tolerance_);
    if (scanning_) count(pair);
    if (scanning_ && !in_type(comparison)) return;
    const bool equal = comparison.outcome == Outcome::equal;
    if (!equal && told_before(pending.key)) return;
    if (!tell(pending.key, pair.source, pair.target, comparison) && !scanning_)
      tell_of_cut(pending.key, comparison);
  }
}

bool PositionCheck::in_type(const Comparison& comparison) const {
  return only_type_.empty() || comparison.source_type == only_type_ ||
         comparison.target_type == only_type_;
}

void PositionCheck::count(const HeldPair& pair) {
  for (const SideName side : {SideName::source, SideName::target}) {
    const Reading& reading = side == SideName::source ? pair.source : pair.target;
    ReadCounters& counters = counters_[static_cast<size_t>(side)];
    counters.keys += reading.payload ? 1 : 0;
    counters.bytes += payload_bytes(reading);
  }
}

void PositionCheck::take_ahead(Pending pending, HeldPair pair) {
  ++report_.engine->ahead;
  if (!pending.ahead_since) pending.ahead_since = Clock::now();
  if (Clock::now() - *pending.ahead_since < options_.settle) {
    pending_.push_back(std::move(pending));
    return;
  }
  if (told_before(pending.key)) return;
  const Comparison comparison = compare(pair.source, pair.target, tolerance_);
  Difference last = describe(source_, target_, pending.key, pair.source, pair.target, comparison);
  last.detail = fmt::format("the engine reads it again and again: at no position within {}",
                            format_duration(options_.settle));
  log_.add_flapping(last);
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

namespace {

asio::awaitable<void> ask_status(std::string address, milliseconds max_hold, EngineStatus& status) {
  EngineControl engine(address, max_hold);
  status = co_await engine.status();
}

void take_grace(VerifyOptions& options, VerifyReport& report, milliseconds grace) {
  if (options.expiry_grace == milliseconds(0)) options.expiry_grace = grace;
  if (options.expiry_grace == grace) return;
  report.notes.push_back(
      fmt::format("--expiry-grace {} was given, but the engine writes expiries "
                  "later by {}",
                  format_duration(options.expiry_grace), format_duration(grace)));
}

}  // namespace

void learn_engine(VerifyOptions& options, VerifyReport& report) {
  if (options.engine.empty()) return;
  EngineStatus status;
  std::string failure;
  try {
    run_to_end(ask_status(options.engine, options.max_hold, status));
  } catch (const ConnectionError& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    if (options.cut == CutMode::position)
      throw UserError(fmt::format("the engine does not answer: {}", failure));
    report.notes.push_back("the engine does not answer, so that it is not held: " + failure);
    options.engine.clear();
    return;
  }
  report.engine.emplace();
  report.engine->address = options.engine;
  report.engine->expiry = status.expiry;
  report.engine->expiry_grace = status.expiry_grace;
  report.engine->hold_max = options.max_hold;
  take_grace(options, report, status.expiry_grace);
}

}  // namespace lockstep::verifier
