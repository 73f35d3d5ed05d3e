#include "sync/net/stream.h"

#include <fmt/format.h>
#include <netinet/tcp.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "sync/base/error.h"
#include "sync/base/units.h"
#include "sync/net/deadline.h"
#include "sync/net/tls.h"

namespace lockstep::net {
namespace {

using asio::ip::tcp;
using asio::local::stream_protocol;
using boost::system::error_code;
using TlsSocket = asio::ssl::stream<tcp::socket>;

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

std::string describe(error_code error) {
  namespace e = asio::error;
  if (error == e::eof || error == asio::ssl::error::stream_truncated) return "closed by the server";
  if (error == e::connection_reset || error == e::broken_pipe) return "connection reset";
  if (error == e::connection_refused) return "connection refused: is a server running there?";
  if (error == e::operation_aborted || error == e::bad_descriptor) return "connection closed by us";
  if (error.category() == e::get_ssl_category()) return explain_tls_error(error);
  return error.message();
}

[[noreturn]] void fail(const Endpoint& endpoint, const std::string& what) {
  throw ConnectionError(fmt::format("{}: {}", endpoint.label(), what));
}

template <class Socket>
void close_socket(Socket& socket) {
  error_code ignored;
  socket.shutdown(Socket::shutdown_both, ignored);
  socket.close(ignored);
}

/// What TCP, TLS and unix streams share; `Socket` is the Asio stream.
template <class Socket>
class BasicStream : public Stream {
 public:
  BasicStream(Endpoint endpoint, Socket socket)
      : endpoint_(std::move(endpoint)), socket_(std::move(socket)) {}

  asio::awaitable<size_t> read_some(asio::mutable_buffer buffer) override {
    error_code error;
    const size_t size = co_await socket_.async_read_some(buffer, into(error));
    if (error) fail(endpoint_, describe(error));
    co_return size;
  }

  /// Up to 64 buffers a system call.
  asio::awaitable<void> write(std::span<const asio::const_buffer> buffers) override {
    error_code error;
    co_await asio::async_write(socket_, buffers, into(error));
    if (error) fail(endpoint_, describe(error));
  }

  void close() override { close_socket(socket_.lowest_layer()); }
  const Endpoint& endpoint() const override { return endpoint_; }
  asio::any_io_executor executor() override { return socket_.get_executor(); }

 protected:
  Endpoint endpoint_;
  Socket socket_;
};

class TlsStream : public BasicStream<TlsSocket> {
 public:
  using BasicStream::BasicStream;

  /// TLS makes a record of each buffer, so small ones are copied together first.
  asio::awaitable<void> write(std::span<const asio::const_buffer> buffers) override {
    for (const asio::const_buffer& buffer : buffers) {
      if (gathered_.size() + buffer.size() > record_bytes) co_await flush();
      if (buffer.size() >= record_bytes) {
        co_await BasicStream::write({&buffer, 1});
      } else {
        gathered_.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
    }
    co_await flush();
  }

 private:
  static constexpr size_t record_bytes = 16 * 1024;

  asio::awaitable<void> flush() {
    const asio::const_buffer all = asio::buffer(gathered_);
    if (all.size() > 0) co_await BasicStream::write({&all, 1});
    gathered_.clear();
  }

  std::string gathered_;
};

asio::awaitable<std::vector<tcp::endpoint>> resolve(Endpoint endpoint) {
  error_code error;
  const asio::ip::address address = asio::ip::make_address(endpoint.host, error);
  if (!error) co_return std::vector<tcp::endpoint>{{address, endpoint.port}};
  tcp::resolver resolver(co_await asio::this_coro::executor);
  const auto found =
      co_await resolver.async_resolve(endpoint.host, std::to_string(endpoint.port), into(error));
  if (error) fail(endpoint, fmt::format("cannot find the host: {}", error.message()));
  co_return std::vector<tcp::endpoint>(found.begin(), found.end());
}

/// A dead peer is noticed after about a minute even when nothing is sent.
void set_options(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(tcp::socket::keep_alive(true), ignored);
  for (const auto& [option, value] :
       {std::pair(TCP_KEEPIDLE, 30), std::pair(TCP_KEEPINTVL, 10), std::pair(TCP_KEEPCNT, 3)}) {
    setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
  }
}

[[noreturn]] void fail_connect(const Endpoint& endpoint, const Deadline& deadline,
                               milliseconds timeout, const std::string& what) {
  fail(endpoint,
       deadline.expired() ? fmt::format("no answer within {}", format_duration(timeout)) : what);
}

asio::awaitable<std::unique_ptr<Stream>> connect_unix(Endpoint endpoint, milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  stream_protocol::socket socket(executor);
  Deadline deadline(executor, timeout, [&socket] { close_socket(socket); });
  stream_protocol::endpoint path;
  if (endpoint.unix_path.size() >= path.capacity()) fail(endpoint, "path too long for a socket");
  path = stream_protocol::endpoint(endpoint.unix_path);
  error_code error;
  co_await socket.async_connect(path, into(error));
  if (error) fail_connect(endpoint, deadline, timeout, describe(error));
  co_return std::make_unique<BasicStream<stream_protocol::socket>>(std::move(endpoint),
                                                                   std::move(socket));
}

asio::awaitable<void> connect_socket(tcp::socket& socket, Endpoint endpoint, milliseconds timeout) {
  const auto addresses = co_await resolve(endpoint);
  Deadline deadline(socket.get_executor(), timeout, [&socket] { close_socket(socket); });
  error_code error;
  co_await asio::async_connect(socket, addresses, into(error));
  if (error) fail_connect(endpoint, deadline, timeout, describe(error));
  set_options(socket);
}

asio::awaitable<void> shake_hands(TlsSocket& socket, Endpoint endpoint, milliseconds timeout) {
  set_expected_name(socket.native_handle(), endpoint);
  Deadline deadline(socket.get_executor(), timeout,
                    [&socket] { close_socket(socket.lowest_layer()); });
  error_code error;
  co_await socket.async_handshake(asio::ssl::stream_base::client, into(error));
  if (!error) co_return;
  if (deadline.expired()) {
    fail(endpoint, fmt::format("no TLS answer within {}: is this a port without TLS?",
                               format_duration(timeout)));
  }
  const std::string cause = explain_handshake_failure(socket.native_handle(), error);
  if (!cause.empty()) throw UserError(fmt::format("{}: {}", endpoint.label(), cause));
  fail(endpoint, fmt::format("{} during the TLS handshake: is this a TLS port?", describe(error)));
}

}  // namespace

asio::awaitable<std::unique_ptr<Stream>> connect_stream(Endpoint endpoint, milliseconds timeout) {
  if (!endpoint.unix_path.empty()) co_return co_await connect_unix(std::move(endpoint), timeout);
  tcp::socket socket(co_await asio::this_coro::executor);
  co_await connect_socket(socket, endpoint, timeout);
  if (!endpoint.tls) {
    co_return std::make_unique<BasicStream<tcp::socket>>(std::move(endpoint), std::move(socket));
  }
  asio::ssl::context context = make_tls_context(endpoint);
  TlsSocket tls(std::move(socket), context);
  co_await shake_hands(tls, endpoint, timeout);
  co_return std::make_unique<TlsStream>(std::move(endpoint), std::move(tls));
}

}  // namespace lockstep::net
