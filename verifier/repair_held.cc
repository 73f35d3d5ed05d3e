// The part of Repairer that works while an engine feeds the target.

#include <fmt/format.h>

#include "verifier/parallel.h"
#include "verifier/repairer.h"

namespace lockstep::verifier {

namespace {

/// Between two holds, so that the engine gets on.
constexpr milliseconds hold_pause{20};

}  // namespace

asio::awaitable<void> Repairer::mend_held(std::vector<Difference>& batch) {
  const auto end = std::chrono::steady_clock::now() + options_.settle;
  while (!batch.empty()) {
    const std::vector<HeldPair> pairs = co_await mend_in_one_hold(batch);
    const bool last = std::chrono::steady_clock::now() >= end;
    std::vector<Difference> left;
    for (size_t i = 0; i < batch.size(); ++i) {
      const bool ahead = pairs[i].state == HeldPair::State::ahead;
      if (ahead && last) {
        leave(batch[i].key,
              fmt::format("the engine reads it again and again: at no position within {}",
                          format_duration(options_.settle)));
      } else if (pairs[i].state != HeldPair::State::read) {
        left.push_back(std::move(batch[i]));  // those that no hold had time for get theirs
      }
    }
    batch = std::move(left);
    co_await pause_for(hold_pause);
  }
}

/// If the hold has ended too early the engine may have written since what was read: all of it is
/// done again, and the counts begin anew. The journal keeps both, which undo takes one after the
/// other.
asio::awaitable<std::vector<HeldPair>> Repairer::mend_in_one_hold(
    const std::vector<Difference>& batch) {
  HeldReader reader(source_, target_, *engine_);
  std::vector<Candidate> keys;
  for (const Difference& each : batch) keys.push_back({each.db, each.key});
  const RepairReport before = report_;
  std::exception_ptr failure;
  try {
    std::vector<HeldPair> pairs = co_await reader.read(
        std::move(keys), [this, &batch](std::vector<size_t> places, std::vector<HeldPair>& all) {
          return mend_step(batch, std::move(places), all);
        });
    co_return pairs;
  } catch (...) {
    failure = std::current_exception();
  }
  take_back(before);
  std::rethrow_exception(failure);
}

asio::awaitable<void> Repairer::mend_step(const std::vector<Difference>& batch,
                                          std::vector<size_t> places,
                                          std::vector<HeldPair>& pairs) {
  std::vector<Item> items;
  for (const size_t place : places)
    items.push_back(
        plan_one(batch[place], std::move(pairs[place].source), std::move(pairs[place].target)));
  fit_batch(items);
  co_await carry_out(std::move(items));
}

}  // namespace lockstep::verifier
