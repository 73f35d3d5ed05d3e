#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <vector>

namespace lockstep::verifier {

/// Runs all to their end. The first that fails cancels the others and is thrown.
boost::asio::awaitable<void> run_all(std::vector<boost::asio::awaitable<void>> tasks);

/// Runs it on a thread of its own, to its end: everything it touches must be its own meanwhile.
/// Cancelled as any coroutine.
boost::asio::awaitable<void> run_on_thread(boost::asio::awaitable<void> task);

boost::asio::awaitable<void> pause_for(std::chrono::milliseconds time);

}  // namespace lockstep::verifier
