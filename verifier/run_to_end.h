#pragma once

#include <boost/asio/awaitable.hpp>

namespace lockstep::verifier {

/// Runs a coroutine on an io_context of its own; its exception is ours.
void run_to_end(boost::asio::awaitable<void> task);

}  // namespace lockstep::verifier
