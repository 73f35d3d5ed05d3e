#include "verifier/pace.h"

#include <algorithm>

namespace lockstep::verifier {

namespace {

using std::chrono::milliseconds;

/// So many bytes of a reply cost about as much as a command.
constexpr double bytes_per_command = 256;
/// Slower by this than the fastest is a server with other work.
constexpr double slow_factor = 4;
/// Shorter waits tell nothing: our own work delays us by as much.
constexpr milliseconds slow_min{25};
constexpr milliseconds pause_max{1000};
/// Of a second: the longest burst.
constexpr uint64_t bursts_per_s = 10;
/// What was fast once counts less and less.
constexpr double forgetting = 1.005;

}  // namespace

Pace::Duration Pace::before(Time now, size_t commands) {
  Duration wait = pause_;
  backed_off_ += pause_;
  if (commands_per_s_ == 0) return wait;
  free_at_ = std::max(free_at_, now);
  wait = std::max(wait, free_at_ - now);
  free_at_ += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
      static_cast<double>(commands) / static_cast<double>(commands_per_s_)));
  return wait;
}

void Pace::answered(Duration took, size_t commands, size_t bytes) {
  const double work =
      static_cast<double>(commands) + static_cast<double>(bytes) / bytes_per_command;
  if (work <= 0) return;
  const double each_s = std::chrono::duration<double>(took).count() / work;
  const bool slow = fastest_s_ > 0 && each_s > fastest_s_ * slow_factor && took >= slow_min;
  fastest_s_ = fastest_s_ == 0 ? each_s : std::min(each_s, fastest_s_ * forgetting);
  if (slow) {
    pause_ = std::min<Duration>(std::max(2 * pause_, took), pause_max);
  } else {
    pause_ = pause_ < milliseconds(1) ? Duration() : pause_ / 2;
  }
}

size_t Pace::keys_at_once(size_t keys_max, size_t commands_per_key) const {
  if (commands_per_s_ == 0) return keys_max;
  return std::clamp<size_t>(commands_per_s_ / bursts_per_s / commands_per_key, 1, keys_max);
}

}  // namespace lockstep::verifier
