#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <vector>

namespace lockstep::verifier {

/// Runs all to their end. The first that fails cancels the others and is thrown.
boost::asio::awaitable<void> run_all(std::vector<boost::asio::awaitable<void>> tasks);

boost::asio::awaitable<void> pause_for(std::chrono::milliseconds time);

}  // namespace lockstep::verifier
