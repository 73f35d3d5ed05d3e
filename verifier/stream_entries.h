#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "verifier/big_value.h"

namespace lockstep::verifier {

/// The first entry in which two streams differ, for a person; they are read some entries at a time.
/// nullopt: their entries are the same, or a server does not give them (XRANGE). REQUIRES: both
/// sides have the key.
asio::awaitable<std::optional<std::string>> differing_entry(Side& source, const BigValue& s,
                                                            Side& target, const BigValue& t,
                                                            Candidate key);

}  // namespace lockstep::verifier
