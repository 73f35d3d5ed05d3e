#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "verifier/compare.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

/// Reads keys of one side exactly, at the nodes that serve them, and follows a cluster whose slots
/// move or whose primaries change. Throws ConnectionError when a node stays away, UserError when
/// the user may not read.
asio::awaitable<std::vector<Reading>> read_keys(Side& side, std::vector<Candidate> keys);

/// A shell command that shows the key at its node. `what`: a type's name, or "expiry".
std::string show_command(const Side& side, const Reading& reading, const Candidate& key,
                         const std::string& what);

}  // namespace lockstep::verifier
