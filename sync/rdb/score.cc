#include "sync/rdb/score.h"

#include <fmt/format.h>

#include <charconv>

namespace lockstep::rdb {

std::optional<double> parse_score(Bytes text) {
  double score = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), score);
  if (error != std::errc{} || end != text.end()) return std::nullopt;
  return score;
}

std::string format_score(double score) { return fmt::format("{}", score); }

}  // namespace lockstep::rdb
