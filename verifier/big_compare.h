#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "verifier/compare.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

/// How large the values of these keys are in the servers' memory, the larger of both sides; 0 where
/// neither side says so, and where one side is files.
asio::awaitable<std::vector<uint64_t>> value_sizes(Side& source, Side& target,
                                                   std::vector<Candidate> keys);

/// What was read of a key, and what comes out.
struct BigComparison {
  Reading source;  ///< without payloads
  Reading target;
  Comparison comparison;
};

/// As read_keys() and compare(), of a value that is too big to be held: both are read in pieces,
/// each piece's digest decides, and only the pieces that differ are read again and looked into. A
/// stream or a module's value is read by DUMP, and held if its `bytes` (the larger of
/// value_sizes()) are not too many; else its digest alone decides, and where two differ is not
/// told.
asio::awaitable<BigComparison> compare_big(Side& source, Side& target, Candidate key,
                                           uint64_t bytes, Tolerance tolerance);

}  // namespace lockstep::verifier
