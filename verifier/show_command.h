#pragma once

#include <string>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/net/endpoint.h"

namespace lockstep::verifier {

/// A line for any POSIX shell that shows the key with redis-cli; right for every key, also a binary
/// one. `what`: a type's name, or "expiry". A password is asked for, or stands as the word PASSWORD
/// where redis-cli's standard input is taken.
std::string client_command(const net::Endpoint& endpoint, DbIndex db, Bytes key,
                           const std::string& what);

}  // namespace lockstep::verifier
