#pragma once

#include <optional>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::rdb {

/// A score as the servers write it in text: "1.5", "-inf", "nan". nullopt if it is none.
std::optional<double> parse_score(Bytes text);
/// The shortest text that gives the same double again; "inf", "-inf", "nan".
std::string format_score(double score);
/// The score that stands for all that are no different: 0 for -0, which the servers print alike and
/// keep in one encoding and lose in another, and one NaN.
double plain_score(double score);

}  // namespace lockstep::rdb
