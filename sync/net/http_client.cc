#include "sync/net/http_client.h"

#include <fmt/format.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

#include "sync/base/error.h"

namespace lockstep::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::generic::stream_protocol;

namespace {

stream_protocol::endpoint parse_address(const std::string& address) {
  if (address.starts_with("unix:"))
    return asio::local::stream_protocol::endpoint(address.substr(5));
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(host, error);
  uint16_t port = 0;
  const char* end = address.data() + address.size();
  if (!error && colon != std::string::npos &&
      std::from_chars(address.data() + colon + 1, end, port).ptr == end)
    return asio::ip::tcp::endpoint(ip, port);
  throw UserError(fmt::format("\"{}\" is no control endpoint: give unix:/path or an address and a "
                              "port, such as 127.0.0.1:9121",
                              address),
                  ExitCode::bad_arguments);
}

}  // namespace

asio::awaitable<HttpAnswer> ask_http(HttpRequest request) {
  const stream_protocol::endpoint endpoint = parse_address(request.address);
  beast::basic_stream<stream_protocol> stream(co_await asio::this_coro::executor);
  stream.expires_after(request.limit);
  http::request<http::string_body> message(http::string_to_verb(request.method), request.target,
                                           11);
  message.set(http::field::host, "control");
  message.body() = std::move(request.body);
  message.prepare_payload();
  http::response<http::string_body> response;
  std::string failure;
  try {
    co_await stream.async_connect(endpoint, asio::use_awaitable);
    co_await http::async_write(stream, message, asio::use_awaitable);
    beast::flat_buffer buffer;
    co_await http::async_read(stream, buffer, response, asio::use_awaitable);
  } catch (const boost::system::system_error& error) {
    failure = error.code().message();
  }
  if (!failure.empty()) {
    throw ConnectionError(
        fmt::format("{} {} at {}: {}", request.method, request.target, request.address, failure));
  }
  co_return HttpAnswer{response.result_int(), std::move(response.body())};
}

}  // namespace lockstep::net
