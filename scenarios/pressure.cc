#include "scenarios/pressure.h"

#include "fixtures/poll_until.h"
#include "scenarios/server_facts.h"

namespace lockstep::scenarios {

namespace asio = boost::asio;
using Words = std::vector<std::string>;

asio::awaitable<void> limit_memory(fixtures::Deployment& deployment, std::string policy,
                                   uint64_t headroom_kb) {
  if (policy.empty()) co_return;
  for (const fixtures::Server* server : deployment.primaries()) {
    auto fields = co_await info_of(server->endpoint(), "memory");
    const uint64_t limit = std::stoull(fields.at("used_memory")) + headroom_kb * 1024;
    Words set_policy{"CONFIG", "SET", "maxmemory-policy", policy};
    Words set_limit{"CONFIG", "SET", "maxmemory", std::to_string(limit)};
    co_await ask_server(server->endpoint(), set_policy);
    co_await ask_server(server->endpoint(), set_limit);
  }
}

asio::awaitable<void> relieve_memory(fixtures::Deployment& deployment) {
  Words no_limit{"CONFIG", "SET", "maxmemory", "0"};
  Words default_policy{"CONFIG", "SET", "maxmemory-policy", "noeviction"};
  for (const fixtures::Server* server : deployment.primaries()) {
    co_await ask_server(server->endpoint(), no_limit);
    co_await ask_server(server->endpoint(), default_policy);
  }
}

asio::awaitable<void> await_link(const fixtures::Deployment& source, const bool& awaited) {
  // A link is used at once: poll_until() would look too seldom.
  constexpr std::chrono::milliseconds interval{1};
  while (awaited) {
    for (const fixtures::Server* server : source.primaries()) {
      auto fields = co_await info_of(server->endpoint(), "replication");
      if (std::stoull("0" + fields["connected_slaves"]) > source.options().replicas) co_return;
    }
    co_await fixtures::pause(interval);
  }
}

asio::awaitable<void> signal_all(fixtures::Deployment& deployment, int number) {
  for (fixtures::Server* server : deployment.servers()) co_await server->signal(number);
}

}  // namespace lockstep::scenarios
