#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fixtures/deployment.h"
#include "scenarios/driver.h"
#include "scenarios/executor.h"

namespace lockstep::scenarios {

/// How often something happened, by its name. Of the source's own counters while the sync ran:
///
///     expired_in_copy, written_in_copy     keys, writes, between two answers of the tool that it
///                                          still copies
///     expired_following, written_following the same from its first answer that all has been copied
///     fields_expired, evicted
///
/// of what its clients were answered meanwhile: scripts, functions and flushes that succeeded,
/// blocked (commands that waited and were served), executed (transactions), succeeded (commands
/// that show that the families ran), and module_writes, which are of the time before too;
///
/// and, of what our engine says that it did, summed over its links: restored, rebuilt, commands,
/// transactions, transactions_split, splits, fences, rewritten, unknown, left_out (keys, libraries
/// and commands that the target cannot hold); and the most that were seen to be left out at one
/// time, by kind: left_out_streams, left_out_field_expiry, left_out_modules, left_out_databases,
/// left_out_functions. Of both: client_transactions, which a client was answered and the engine
/// applied as one each; that many at most, as scripts may be transactions of the stream too.
using Coverage = std::map<std::string, uint64_t>;

/// Watches a source's counters from begin() to end().
class CoverageWatch {
 public:
  CoverageWatch(const fixtures::Deployment& source, Driver& tool) : source_(source), tool_(tool) {}

  /// As long as the tool copies and `busy`.
  asio::awaitable<void> watch_copy(const bool& busy);
  /// What has happened since watch_copy() began.
  asio::awaitable<Coverage> end();

 private:
  asio::awaitable<Coverage> sample() const;

  const fixtures::Deployment& source_;
  Driver& tool_;
  Coverage first_, copied_;  ///< the counters at the beginning, and when the copy was over
  Coverage found_;
};

/// What the status of our engine (its JSON) says.
Coverage coverage_of_engine(const std::string& status);
/// Adds what the last status of an engine says.
void add_engine(const std::string& status, Coverage& coverage);
/// What the replies to the clients say, of a workload of these families.
Coverage coverage_of_clients(const ExecutionStats& clients,
                             const std::vector<std::string>& families);
/// Adds what neither side shows alone.
void combine_coverage(Coverage& coverage);
/// The left_out_… of a later status, where they are more than those of earlier ones.
void note_left_out(const Coverage& engine, Coverage& most);

}  // namespace lockstep::scenarios
