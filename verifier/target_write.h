#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "sync/fence/fenced_key.h"
#include "verifier/side.h"

namespace lockstep::verifier {

/// What came of a batch of writes.
struct WriteOutcome {
  size_t written = 0;
  /// Places of the keys that the server could not take as payloads and got as commands. What
  /// commands cannot make is lost: see fence/rebuild.h.
  std::vector<size_t> rebuilt;
  std::string failure;    ///< of the first key that was refused; empty: none was
  bool may_pass = false;  ///< a key elsewhere, a server that loads: ask again
};

/// Makes one server hold each key so: RESTORE in the form and with the footer that its version
/// takes, UNLINK where there is no payload; where it does not know the payload's type, commands in
/// one transaction. Expiries are absolute. Throws ConnectionError.
asio::awaitable<WriteOutcome> write_keys(Node& node, DbIndex db, std::vector<fence::FencedKey> keys,
                                         int64_t now_ms);

/// Loads a library of functions in the place of what the node has by this name; without code the
/// library goes. Returns why the server refuses it; empty: done. Throws ConnectionError, also for
/// what may pass.
asio::awaitable<std::string> write_library(Node& node, std::string name,
                                           std::optional<std::string> code);

}  // namespace lockstep::verifier
