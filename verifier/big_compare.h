#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "verifier/big_value.h"
#include "verifier/compare.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

/// Of a value that is held whole, as the servers count it: decoded it takes several times that.
inline constexpr uint64_t held_bytes_max = 16 << 20;

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
/// The same in one attempt. Throws SlotOnTheMove, ConnectionError.
asio::awaitable<BigComparison> compare_big_once(Side& source, Side& target, Candidate key,
                                                uint64_t bytes, Tolerance tolerance);
/// Of values that both came by DUMP: their digests decide.
BigComparison compare_dumped(const BigValue& source, const BigValue& target, Tolerance tolerance);
/// Of a value that is not understood.
BigComparison undecodable(const std::string& why);

}  // namespace lockstep::verifier
