// The part of PositionCheck that compares values which are too big to be held, one at a time.

#include <fmt/format.h>

#include "verifier/big_held.h"
#include "verifier/parallel.h"
#include "verifier/position_check.h"

namespace lockstep::verifier {

namespace {

/// So often it is read in pieces before its payload is asked for as one.
constexpr int piecewise_attempts = 2;
constexpr int attempts_max = 8;
constexpr int too_long_max = 2;

}  // namespace

/// Of the first key. A hold that is too short for its payload is made again, and then given up.
asio::awaitable<BigAtPosition> PositionCheck::read_big(uint64_t bytes) {
  Pending& pending = pending_.front();
  if (pending.changed < piecewise_attempts) {
    BigAtPosition read =
        co_await compare_big_at_position(source_, target_, engine_, pending.key, bytes, tolerance_);
    co_return read;
  }
  std::exception_ptr failure;
  try {
    BigAtPosition read =
        co_await compare_dumped_at_position(source_, target_, engine_, pending.key, tolerance_);
    co_return read;
  } catch (const CutFailed&) {
    failure = std::current_exception();
  }
  if (engine_.held_for() < engine_.max_hold() || ++pending.too_long < too_long_max)
    std::rethrow_exception(failure);
  co_return BigAtPosition{
      BigAtPosition::State::read,
      undecodable(fmt::format(
          "it is too large for one hold (--max-hold {}), and written too often to be read without "
          "one: give it a longer hold, or no writes for a while",
          format_duration(engine_.max_hold())))};
}

/// What is written whenever it is read comes last again.
asio::awaitable<void> PositionCheck::settle_big(uint64_t bytes) {
  BigAtPosition big = co_await read_big(bytes);
  Pending pending = std::move(pending_.front());
  pending_.pop_front();
  const BigComparison& read = big.read;
  if (big.state == BigAtPosition::State::read) {
    conclude(pending.key, read.source, read.target, read.comparison);
  } else if (big.state == BigAtPosition::State::ahead) {
    take_ahead(std::move(pending), read.source, read.target, read.comparison);
  } else if (++pending.changed < attempts_max) {
    pending_.push_back(std::move(pending));
  } else {
    conclude(pending.key, read.source, read.target,
             undecodable("it was written each time that it was read: give it no writes for a while")
                 .comparison);
  }
  co_await pause_for(hold_pause);
}

}  // namespace lockstep::verifier
