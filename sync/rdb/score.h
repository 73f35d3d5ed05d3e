#pragma once

#include <optional>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::rdb {

/// A score as the servers write it in text: "1.5", "-inf", "nan". nullopt if it is none.
std::optional<double> parse_score(Bytes text);
/// The shortest text that gives the same double again; "inf", "-inf", "nan".
std::string format_score(double score);

}  // namespace lockstep::rdb
