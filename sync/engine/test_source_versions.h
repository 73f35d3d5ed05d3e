#pragma once

// For tests of the versions of sources: a source of any version, a new target, and the verifier's
// word on them.

#include "fixtures/capabilities.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {

/// Why a server cannot be started here; empty: it can.
std::string why_missing(const fixtures::ServerSpec& spec);

class VersionTest : public EngineTest {
 protected:
  static const fixtures::ServerSpec& server(const std::string& name) {
    return fixtures::find_server(name);
  }
  /// Starts both as standalone servers.
  asio::awaitable<void> start_pair(fixtures::ServerSpec from, fixtures::ServerSpec to,
                                   std::string source_config);
  /// From the source's first node; expiries as they are, so that both sides can be compared.
  SyncOptions pair_options() const;
  asio::awaitable<void> begin(SyncOptions options);
  /// To the source; throws UserError at an error reply.
  asio::awaitable<resp::Value> write(std::string request);
  /// Returns when the target has all; the verifier must find both equal.
  asio::awaitable<void> expect_equal();
  /// The engine must end with a message that has all of `words` in it.
  asio::awaitable<void> expect_refusal(std::vector<std::string> words);
};

}  // namespace lockstep::engine
