#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "fixtures/deployment.h"
#include "scenarios/result.h"

namespace lockstep::scenarios {

/// The cause that the crash report in a server's log names: the assertion or the signal. Empty: it
/// has no crash report.
std::string crash_in(const std::filesystem::path& log);

/// Those of the servers that run no more, or that cannot be asked.
boost::asio::awaitable<std::vector<FallenServer>> fallen_servers(
    const fixtures::Deployment& deployment);

}  // namespace lockstep::scenarios
