#include "sync/base/units.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "sync/base/bytes.h"
#include "sync/base/error.h"

namespace lockstep {

std::string printable(Bytes data, size_t length_max) {
  std::string out;
  for (char c : data.substr(0, length_max)) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (data.size() > length_max) out += "…";
  return out;
}

std::string format_bytes(uint64_t bytes) {
  static constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1000 && unit + 1 < units.size()) {
    amount /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", amount, units[unit]);
}

std::string format_duration(std::chrono::milliseconds duration) {
  const int64_t ms = duration.count();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const int64_t seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds % 3600 / 60);
}

std::string format_count(uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

namespace {

template <class Units>
double with_unit(const std::string& text, const Units& units, const std::string& option,
                 const char* example) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  if (error == std::errc() && number >= 0) {
    for (const auto& [name, factor] : units) {
      if (unit == name) return number * factor;
    }
  }
  throw UserError(
      fmt::format("{}: \"{}\" is not understood; write it as in {}", option, text, example),
      ExitCode::bad_arguments);
}

}  // namespace

std::chrono::milliseconds parse_duration(const std::string& text, const std::string& option) {
  static constexpr std::array<std::pair<const char*, double>, 5> units{
      {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}}};
  return std::chrono::milliseconds(
      static_cast<int64_t>(with_unit(text, units, option, "500ms, 30s, 10m, 1h or 2d")));
}

uint64_t parse_size(const std::string& text, const std::string& option) {
  static constexpr std::array<std::pair<const char*, double>, 9> units{{{"", 1},
                                                                        {"B", 1},
                                                                        {"kB", 1e3},
                                                                        {"k", 1e3},
                                                                        {"MB", 1e6},
                                                                        {"GB", 1e9},
                                                                        {"KiB", 1024},
                                                                        {"MiB", 1048576},
                                                                        {"GiB", 1073741824}}};
  return static_cast<uint64_t>(with_unit(text, units, option, "64MB, 1GB or 4MiB"));
}

}  // namespace lockstep
