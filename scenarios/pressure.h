#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "fixtures/deployment.h"

namespace lockstep::scenarios {

/// Sets maxmemory of every primary to what it uses now and `headroom_kb` more, with that policy. An
/// empty policy: nothing is changed.
boost::asio::awaitable<void> limit_memory(fixtures::Deployment& deployment, std::string policy,
                                          uint64_t headroom_kb);
/// Takes the limit away from every primary.
boost::asio::awaitable<void> relieve_memory(fixtures::Deployment& deployment);

/// Returns when a primary of the source has more replicas than its own: a sync has begun; or when
/// none is `awaited` any longer.
boost::asio::awaitable<void> await_link(const fixtures::Deployment& source, const bool& awaited);
/// SIGSTOP or SIGCONT to every server.
boost::asio::awaitable<void> signal_all(fixtures::Deployment& deployment, int number);

}  // namespace lockstep::scenarios
