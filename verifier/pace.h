#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lockstep::verifier {

/// When the next commands may be sent to a server: no more than so many in a second, and slower
/// when its answers take longer than they did. No clock of its own.
class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  /// 0: without limit.
  explicit Pace(uint64_t commands_per_s = 0) : commands_per_s_(commands_per_s) {}

  /// Announces commands; returns how long to wait before they are sent.
  Duration before(Time now, size_t commands);
  /// So many commands were answered, with so many bytes.
  void answered(Duration took, size_t commands, size_t bytes);

  /// A pipeline of so many keys makes no long burst of it.
  size_t keys_at_once(size_t keys_max, size_t commands_per_key) const;
  /// Waited because of slow answers, in all.
  Duration backed_off() const { return backed_off_; }

 private:
  uint64_t commands_per_s_;
  Time free_at_{};        ///< by the rate, the next may be sent then
  double fastest_s_ = 0;  ///< of a command, as a rule; creeps up
  Duration pause_{};
  Duration backed_off_{};
};

}  // namespace lockstep::verifier
