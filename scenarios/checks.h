#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>

#include "fixtures/deployment.h"
#include "scenarios/result.h"

namespace lockstep::scenarios {

/// Two deployments that must be equal now, and where to write about it.
struct Comparison {
  const fixtures::Deployment* source = nullptr;
  const fixtures::Deployment* target = nullptr;
  std::filesystem::path directory;  ///< of the case
  CheckSpec spec;
  std::chrono::milliseconds limit{120000};
};

/// The verifier, as a child process: its report goes to directory/verify-TARGET.
asio::awaitable<CheckResult> check_verifier(asio::any_io_executor executor, Comparison comparison);
/// Lists of unique elements: none lost, none doubled, by our own reading with LRANGE.
asio::awaitable<CheckResult> check_unique_lists(Comparison comparison);
/// DEBUG DIGEST-VALUE of every key on both sides: an oracle that owes nothing to us. It needs
/// servers of one version (5.0 or later), and does not see stream groups nor when a key expires.
asio::awaitable<CheckResult> check_digest(Comparison comparison);
/// RDB files of every primary of both sides, taken with redis-cli --rdb (with SAVE where the server
/// gives a client no file that the decoder reads), decoded by another program and compared key by
/// key: database, type, value, expiry. What that program does not tell is not compared
/// (rdb_decoder_output.h names it). Skipped where it is not installed, and where it cannot read a
/// file: those of clusters of Redis 7.4 and later and of Valkey 8, and those with lists of large
/// and small elements of the same versions and of Valkey 9.
asio::awaitable<CheckResult> check_rdb_files(Comparison comparison);

}  // namespace lockstep::scenarios
