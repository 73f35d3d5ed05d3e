#pragma once

#include <map>
#include <string>
#include <vector>

#include "fixtures/capabilities.h"
#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// What a server says of itself, or why it does not start: the end of its log.
struct ServerFacts {
  fixtures::Capabilities server;
  std::string failure;
};

/// Of every server of a request, by name. Starts those that are not known yet. Blocks.
using Facts = std::map<std::string, ServerFacts>;
Facts ask_servers(const Request& request);
/// As the certificate shows them; those that do not start are left out.
std::vector<Server> servers_of(const Facts& facts);

/// Why a cell of these two cannot be tried at all; empty: it can.
std::string why_impossible(Topology topology, const std::string& from, const std::string& to,
                           const Facts& facts);

/// Whether a server can be a replica of another one: it loads that one's snapshots. Redis took the
/// RDB versions 12 to 79 and Valkey those from 80 on, and neither loads the other's.
bool replicates(const fixtures::Capabilities& from, const fixtures::Capabilities& to);

}  // namespace lockstep::scenarios::certify
