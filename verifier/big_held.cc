#include "verifier/big_held.h"

#include "verifier/held_reader.h"
#include "verifier/node_request.h"
#include "verifier/watched_read.h"

namespace lockstep::verifier {

namespace {

using State = BigAtPosition::State;

State state_of(bool same, const EngineStatus& status, const Candidate& key) {
  if (!same) return State::changed;
  return status.ahead.contains({key.db, key.key}) ? State::ahead : State::read;
}

asio::awaitable<void> look_at_position(Side& source, Side& target, EngineControl& engine,
                                       Candidate key, State& state) {
  const CaughtUp at = co_await catch_up(source, engine);
  const bool source_same = co_await unchanged(source, key);
  const bool target_same = co_await unchanged(target, key);
  state = state_of(source_same && target_same, at.status, key);
}

asio::awaitable<void> dump_at_position(Side& source, Side& target, EngineControl& engine,
                                       Candidate key, Tolerance tolerance, BigAtPosition& result) {
  co_await catch_up(source, engine);
  const DumpedValue ours = co_await read_dumped(source, key);
  if (ours.changed) co_return;
  const EngineStatus status = co_await engine.advance(ours.positions);
  const DumpedValue theirs = co_await read_dumped(target, key);
  result.state = state_of(!theirs.changed, status, key);
  result.read = compare_dumped(ours.value, theirs.value, tolerance);
}

}  // namespace

asio::awaitable<BigAtPosition> compare_big_at_position(Side& source, Side& target,
                                                       EngineControl& engine, Candidate key,
                                                       uint64_t bytes, Tolerance tolerance) {
  BigAtPosition result;
  co_await watch(source, key);
  co_await watch(target, key);
  result.read = co_await compare_big_once(source, target, key, bytes, tolerance);
  co_await while_held(engine, look_at_position(source, target, engine, key, result.state));
  co_return result;
}

asio::awaitable<BigAtPosition> compare_dumped_at_position(Side& source, Side& target,
                                                          EngineControl& engine, Candidate key,
                                                          Tolerance tolerance) {
  BigAtPosition result;
  std::string trouble;
  try {
    co_await while_held(engine, dump_at_position(source, target, engine, key, tolerance, result));
    co_return result;
  } catch (const Undecodable& error) {
    trouble = error.what();
  }
  co_await leave_database(source, key.key, key.db);
  co_await leave_database(target, key.key, key.db);
  result.state = State::read;
  result.read = undecodable(trouble);
  co_return result;
}

}  // namespace lockstep::verifier
