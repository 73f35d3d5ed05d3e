#pragma once

#include <string>
#include <vector>

#include "sync/base/bytes.h"

namespace lockstep::scenarios {

/// One argument as redis-cli reads it: as it is, or in double quotes with \xNN for other bytes.
std::string quote_word(Bytes word);
/// The arguments of a line, by the rules of redis-cli (double quotes with escapes, single quotes).
/// Throws FormatError with the place in the line.
std::vector<std::string> split_words(Bytes line);

}  // namespace lockstep::scenarios
