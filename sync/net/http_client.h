#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

namespace lockstep::net {

struct HttpRequest {
  std::string address;  ///< "unix:/path", or an address and a port: "127.0.0.1:9121"
  std::string method = "GET";
  std::string target;  ///< "/status"
  std::string body = {};
  std::chrono::milliseconds limit{10000};
};
struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

/// One request to a control endpoint, over a connection of its own. Throws ConnectionError if
/// there is no whole answer in time; UserError (bad_arguments) if the address is none.
boost::asio::awaitable<HttpAnswer> ask_http(HttpRequest request);

}  // namespace lockstep::net
