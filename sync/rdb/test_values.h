#pragma once

#include <random>
#include <string>
#include <vector>

#include "sync/rdb/test_real_server.h"

namespace lockstep::rdb {

// Random values of every type and encoding, made by the server's own commands. For tests.

using Random = std::mt19937_64;

/// Every type, from one element to far beyond the packed encodings. Lists expire at 4000000000123.
void fill(RealServer& server, Random& random);
/// Hashes whose fields expire, where the server has them; false if it does not.
bool fill_expiring(RealServer& server, Random& random);
std::vector<std::string> keys_of(RealServer& server);

}  // namespace lockstep::rdb
