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

}  // namespace lockstep::scenarios
