#include "scenarios/certify/server_facts.h"

#include <set>

#include "fixtures/catalogue.h"
#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

namespace {

ServerFacts ask(const std::string& name) {
  ServerFacts facts;
  try {
    facts.server = fixtures::capabilities_of(fixtures::find_server(name));
  } catch (const UserError& error) {
    facts.failure = error.what();
  } catch (const ConnectionError& error) {
    facts.failure = error.what();
  }
  return facts;
}

}  // namespace

Facts ask_servers(const Request& request) {
  Facts facts;
  for (const auto* names : {&request.from, &request.to})
    for (const std::string& name : *names)
      if (!facts.contains(name)) facts[name] = ask(name);
  return facts;
}

std::vector<Server> servers_of(const Facts& facts) {
  std::vector<Server> servers;
  for (const fixtures::ServerSpec& spec : fixtures::catalogue()) {
    const auto found = facts.find(spec.name);
    if (found == facts.end() || !found->second.failure.empty()) continue;
    const fixtures::Capabilities& server = found->second.server;
    servers.push_back({spec.name, server.version, server.build, server.rdb});
  }
  return servers;
}

bool replicates(const fixtures::Capabilities& from, const fixtures::Capabilities& to) {
  constexpr unsigned common_max = 11, valkey = 80;
  const bool same_branch = from.rdb <= common_max || (from.rdb >= valkey) == (to.rdb >= valkey);
  return to.rdb >= from.rdb && same_branch;
}

std::string why_impossible(Topology topology, const std::string& from, const std::string& to,
                           const Facts& facts) {
  if (topology == Topology::standalone) return "";
  for (const std::string& name : {from, to}) {
    const ServerFacts& server = facts.at(name);
    if (server.failure.empty() && !server.server.has("cluster")) return name + " has no cluster";
  }
  return "";
}

}  // namespace lockstep::scenarios::certify
