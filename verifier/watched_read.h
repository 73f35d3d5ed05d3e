#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>

#include "verifier/big_value.h"

namespace lockstep::verifier {

/// From here on unchanged() tells whether the key has been written. REQUIRES: until then nobody
/// else uses a transaction on these connections, and none is made anew. Throws what ask() throws.
asio::awaitable<void> watch(Side& side, Candidate key);
/// False if the key was written, deleted or has expired on any node since watch(), which it ends.
asio::awaitable<bool> unchanged(Side& side, Candidate key);

/// A value by DUMP, which nothing can come in between of:
///
///     WATCH k · INFO replication · DUMP k · TIME · PEXPIRETIME k · TIME · MULTI · EXEC
struct DumpedValue {
  BigValue value;
  std::map<std::string, Offset> positions;  ///< at which it was so, by replid
  bool changed = false;                     ///< something did: read it again
};
/// The server has room for its payload, and here it is read as a stream. Throws Undecodable, and
/// what ask() throws.
asio::awaitable<DumpedValue> read_dumped(Side& side, Candidate key);

}  // namespace lockstep::verifier
