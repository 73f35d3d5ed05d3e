#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>

#include "fixtures/deployment.h"

namespace lockstep::scenarios {

/// Why a server ended, in its own words: the assertion or the signal of its crash report, else the
/// last line of its log.
std::string last_words(const std::filesystem::path& log);

/// A sentence, with "; " behind it, for each server of these that runs no more, or that cannot be
/// asked: nobody stops a server before the end of a case.
boost::asio::awaitable<std::string> fallen_servers(const fixtures::Deployment& deployment);

}  // namespace lockstep::scenarios
