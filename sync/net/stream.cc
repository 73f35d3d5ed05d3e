#include "sync/net/stream.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "sync/base/error.h"
#include "sync/net/stream_impl.h"

namespace lockstep::net {

namespace {

template <class Socket>
class SocketStream : public Stream {
 public:
  SocketStream(Socket socket, Endpoint endpoint) : socket_(std::move(socket)), endpoint_(std::move(endpoint)) {}

  asio::awaitable<size_t> read_some(asio::mutable_buffer buffer) override {
    const auto [error, size] = co_await socket_.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    if (error) fail(error);
    co_return size;
  }
  asio::awaitable<void> write(std::span<const asio::const_buffer> buffers) override {
    const auto [error, size] = co_await asio::async_write(socket_, buffers, asio::as_tuple(asio::use_awaitable));
    if (error) fail(error);
  }
  void close() override {
    boost::system::error_code ignored;
    socket_.lowest_layer().close(ignored);
  }
  const Endpoint& endpoint() const override { return endpoint_; }
  asio::any_io_executor executor() override { return socket_.get_executor(); }

 private:
  [[noreturn]] void fail(boost::system::error_code error) const {
    const bool closed = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    throw ConnectionError(fmt::format("{}: {}", endpoint_.label(), closed ? "the connection was closed by the server" : error.message()));
  }

  Socket socket_;
  Endpoint endpoint_;
};

/// Keeps the context that the TLS stream refers to.
class TlsStream : public SocketStream<asio::ssl::stream<asio::ip::tcp::socket>> {
 public:
  TlsStream(std::shared_ptr<asio::ssl::context> context, asio::ssl::stream<asio::ip::tcp::socket> socket, Endpoint endpoint)
      : SocketStream(std::move(socket), std::move(endpoint)), context_(std::move(context)) {}

 private:
  std::shared_ptr<asio::ssl::context> context_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(asio::ip::tcp::socket socket, Endpoint endpoint) {
  return std::make_unique<SocketStream<asio::ip::tcp::socket>>(std::move(socket), std::move(endpoint));
}

std::unique_ptr<Stream> make_stream(asio::local::stream_protocol::socket socket, Endpoint endpoint) {
  return std::make_unique<SocketStream<asio::local::stream_protocol::socket>>(std::move(socket), std::move(endpoint));
}

std::unique_ptr<Stream> make_stream(std::shared_ptr<asio::ssl::context> context, asio::ssl::stream<asio::ip::tcp::socket> socket,
                                    Endpoint endpoint) {
  return std::make_unique<TlsStream>(std::move(context), std::move(socket), std::move(endpoint));
}

}  // namespace lockstep::net
