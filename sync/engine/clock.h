#pragma once

#include <chrono>
#include <cstdint>

namespace lockstep::engine {

/// Milliseconds since the epoch by this machine's clock.
inline int64_t clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace lockstep::engine
