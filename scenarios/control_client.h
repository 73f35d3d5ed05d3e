#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

namespace lockstep::scenarios {

/// One HTTP request to the control endpoint of an engine at `host`:`port`; the body of the answer.
/// Throws ConnectionError if there is no answer within `limit`, or one that is not 200.
boost::asio::awaitable<std::string> ask_control(std::string host, uint16_t port, std::string method,
                                                std::string path, std::chrono::milliseconds limit);

}  // namespace lockstep::scenarios
