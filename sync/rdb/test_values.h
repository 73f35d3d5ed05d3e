#pragma once

#include <random>
#include <string>
#include <vector>

#include "fixtures/test_server.h"

namespace lockstep::rdb {

// Random values of every type and encoding, made by the server's own commands. For tests.

using fixtures::TestServer;
using Random = std::mt19937_64;

/// Every type, from one element to far beyond the packed encodings. Lists expire at 4000000000123.
void fill(TestServer& server, Random& random);
/// Hashes whose fields expire, where the server has them; false if it does not.
bool fill_expiring(TestServer& server, Random& random);
std::vector<std::string> keys_of(TestServer& server);

}  // namespace lockstep::rdb
