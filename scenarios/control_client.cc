#include "scenarios/control_client.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

asio::awaitable<std::string> ask_control(std::string host, uint16_t port, std::string method,
                                         std::string path, std::chrono::milliseconds limit) {
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  stream.expires_after(limit);
  http::request<http::empty_body> request(http::string_to_verb(method), path, 11);
  request.set(http::field::host, host);
  http::response<http::string_body> response;
  std::string failure;
  try {
    const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(host), port);
    co_await stream.async_connect(endpoint, asio::use_awaitable);
    co_await http::async_write(stream, request, asio::use_awaitable);
    beast::flat_buffer buffer;
    co_await http::async_read(stream, buffer, response, asio::use_awaitable);
  } catch (const boost::system::system_error& error) {
    failure = error.code().message();
  }
  if (failure.empty() && response.result() != http::status::ok)
    failure = fmt::format("{} {}", response.result_int(), response.body());
  if (!failure.empty())
    throw ConnectionError(fmt::format("{} {} at {}:{}: {}", method, path, host, port, failure));
  co_return response.body();
}

}  // namespace lockstep::scenarios
