#include "sync/rdb/score.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace lockstep::rdb {

std::optional<double> parse_score(Bytes text) {
  double score = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), score);
  if (error != std::errc{} || end != text.end()) return std::nullopt;
  return score;
}

std::string format_score(double score) { return fmt::format("{}", score); }

double plain_score(double score) {
  return std::isnan(score) ? std::numeric_limits<double>::quiet_NaN() : score + 0.0;
}

}  // namespace lockstep::rdb
