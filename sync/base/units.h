#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace lockstep {

inline constexpr uint16_t slot_count = 16384;

/// A hash slot of Redis Cluster, 0 to 16383.
struct Slot {
  uint16_t value = 0;
  auto operator<=>(const Slot&) const = default;
};

/// A numbered database, as SELECT takes it.
struct DbIndex {
  uint32_t value = 0;
  auto operator<=>(const DbIndex&) const = default;
};

/// A position in a replication stream, in bytes since the history named by a replid began.
struct Offset {
  int64_t value = 0;
  auto operator<=>(const Offset&) const = default;
  Offset operator+(int64_t bytes) const { return {value + bytes}; }
  int64_t operator-(Offset other) const { return value - other.value; }
};

/// The name of a replication history: 40 hexadecimal characters (a runid before Redis 4.0).
struct ReplId {
  std::string value;
  auto operator<=>(const ReplId&) const = default;
};

/// How long something lives from now.
using Ttl = std::chrono::milliseconds;

/// When something dies: milliseconds since the Unix epoch, by the server's clock.
struct ExpireAt {
  int64_t ms = 0;
  auto operator<=>(const ExpireAt&) const = default;
};

/// "1.5 GB", "220 kB": decimal units.
std::string format_bytes(uint64_t bytes);
/// "950 ms", "12.3 s", "4 min 05 s", "2 h 10 min".
std::string format_duration(std::chrono::milliseconds duration);
/// "1,234,567".
std::string format_count(uint64_t count);

/// "1h", "30s", "1500ms", "90m", "2d"; throws UserError (bad_arguments) naming `option`.
std::chrono::milliseconds parse_duration(const std::string& text, const std::string& option);
/// "256MB", "64k", "1GB", "1048576" (kB, MB, GB are powers of 1000; KiB, MiB, GiB of 1024).
uint64_t parse_size(const std::string& text, const std::string& option);

}  // namespace lockstep
