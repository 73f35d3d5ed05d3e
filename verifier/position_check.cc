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
constexpr size_t batch_bytes = 16 << 20;
constexpr int64_t small_lag_bytes = 1 << 20;
constexpr milliseconds lag_limit{10000};
constexpr milliseconds lag_pause{50};
/// A slot that is half moved stays so for a while.
constexpr milliseconds half_moved_pause{200};

size_t payload_bytes(const Reading& reading) {
  return reading.payload ? reading.payload->size() : 0;
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
size_t PositionCheck::fitting(const std::vector<uint64_t>& sizes) {
  size_t count = 0;
  for (uint64_t bytes = 0; count < sizes.size(); ++count) {
    bytes += sizes[count];
    if (bytes > batch_bytes && count > 0) break;
  }
  return count;
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
  const std::vector<uint64_t> sizes = co_await value_sizes(source_, target_, keys);
  if (sizes.front() > held_bytes_max) {
    co_await settle_big(sizes.front());
    co_return;
  }
  keys.resize(fitting(sizes));
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
    return;
  }
  const Comparison comparison = compare(pair.source, pair.target, tolerance_);
  if (pair.state == HeldPair::State::ahead) {
    take_ahead(std::move(pending), pair.source, pair.target, comparison);
  } else {
    conclude(pending.key, pair.source, pair.target, comparison);
  }
}

void PositionCheck::conclude(const Candidate& key, const Reading& source, const Reading& target,
                             const Comparison& comparison) {
  if (scanning_) count(source, target);
  if (scanning_ && !in_type(comparison)) return;
  const bool equal = comparison.outcome == Outcome::equal;
  if (!equal && told_before(key)) return;
  if (!tell(key, source, target, comparison) && !scanning_) tell_of_cut(key, comparison);
}

bool PositionCheck::in_type(const Comparison& comparison) const {
  return only_type_.empty() || comparison.source_type == only_type_ ||
         comparison.target_type == only_type_;
}

void PositionCheck::count(const Reading& source, const Reading& target) {
  for (const SideName side : {SideName::source, SideName::target}) {
    const Reading& reading = side == SideName::source ? source : target;
    ReadCounters& counters = counters_[static_cast<size_t>(side)];
    counters.keys += reading.nodes.empty() ? 0 : 1;
    counters.bytes += payload_bytes(reading);
  }
}

void PositionCheck::take_ahead(Pending pending, const Reading& source, const Reading& target,
                               const Comparison& comparison) {
  ++report_.engine->ahead;
  if (!pending.ahead_since) pending.ahead_since = Clock::now();
  if (Clock::now() - *pending.ahead_since < options_.settle) {
    pending_.push_back(std::move(pending));
    return;
  }
  if (told_before(pending.key)) return;
  Difference last = describe(source_, target_, pending.key, source, target, comparison);
  last.detail = fmt::format("the engine reads it again and again: at no position within {}",
                            format_duration(options_.settle));
  log_.add_flapping(last);
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
