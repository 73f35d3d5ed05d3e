#pragma once

#include <boost/asio/awaitable.hpp>

#include "verifier/big_compare.h"
#include "verifier/engine_control.h"

namespace lockstep::verifier {

/// What became of a key whose value is too big to be held.
struct BigAtPosition {
  enum class State : uint8_t {
    changed,  ///< it was written meanwhile
    ahead,    ///< the engine has brought it further than the position
    read,
  };
  State state = State::changed;
  BigComparison read;
};

/// Both sides are read in pieces while the engine goes on; then it is held for a moment and brought
/// to where the source is. A key that has been written on neither side since before it was read is
/// as it was read, at that position:
///
///     WATCH (both) · pieces of the source's, of the target's · hold · advance · EXEC (both)
///
/// Throws CutFailed, SlotOnTheMove, ConnectionError, after which the connections are to be made
/// anew, and UserError for a missing permission.
asio::awaitable<BigAtPosition> compare_big_at_position(Side& source, Side& target,
                                                       EngineControl& engine, Candidate key,
                                                       uint64_t bytes, Tolerance tolerance);

/// For a key that is written too often for that: each side's value by one DUMP, whose digests
/// decide, while the engine is held. Throws the same.
asio::awaitable<BigAtPosition> compare_dumped_at_position(Side& source, Side& target,
                                                          EngineControl& engine, Candidate key,
                                                          Tolerance tolerance);

}  // namespace lockstep::verifier
