#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "sync/cluster/topology.h"
#include "sync/engine/options.h"
#include "sync/engine/pipeline.h"

namespace lockstep::engine {

/// Throws UserError if `topology` is not what was declared ("auto" accepts both). `side`: "source"
/// or "target".
void require_topology(const cluster::Topology& topology, const std::string& declared,
                      const std::string& side, const std::string& label);
/// Throws UserError that names the ranges if a cluster's slots are not all owned.
void require_covered(const cluster::Topology& topology, const std::string& side);

/// Everything that can be known before the target is touched: topology, not the same instance,
/// databases, empty target, memory, eviction policy, versions, replication settings of the source,
/// modules. Items are logged; the first that stops throws UserError with its name, the way out and,
/// where it is a judgement, the --ignore that goes on without it.
asio::awaitable<void> precheck(const SyncOptions& options, const Source& source, Target& target);

}  // namespace lockstep::engine
