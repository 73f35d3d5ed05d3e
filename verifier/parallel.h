#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

namespace lockstep::verifier {

/// Runs all to their end. The first that fails cancels the others and is thrown.
boost::asio::awaitable<void> run_all(std::vector<boost::asio::awaitable<void>> tasks);

}  // namespace lockstep::verifier
