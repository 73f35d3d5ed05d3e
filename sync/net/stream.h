#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <chrono>
#include <memory>
#include <span>

#include "sync/net/endpoint.h"

namespace lockstep::net {

namespace asio = boost::asio;
using std::chrono::milliseconds;

/// A byte stream to one server over TCP, TLS or a unix socket. Neither copied nor moved. Not
/// thread-safe. One read and one write may be under way at once. All failures are ConnectionError
/// with the endpoint's label and the cause ("127.20.1.1:6379: connection refused").
class Stream {
 public:
  virtual ~Stream() = default;
  /// At least one byte; throws ConnectionError at end of stream.
  virtual asio::awaitable<size_t> read_some(asio::mutable_buffer buffer) = 0;
  /// All of the buffers, with as few system calls as the transport allows.
  virtual asio::awaitable<void> write(std::span<const asio::const_buffer> buffers) = 0;
  /// Ends both directions at once; pending operations fail. May be called twice.
  virtual void close() = 0;
  virtual const Endpoint& endpoint() const = 0;
  virtual asio::any_io_executor executor() = 0;
};

/// Resolves, connects (TCP_NODELAY, keep-alive), shakes hands for TLS; `timeout` holds for each
/// step. What may pass is a ConnectionError. A TLS handshake with a plain port, a certificate that
/// does not verify and a file that cannot be read will not: a UserError that says so and names the
/// option.
asio::awaitable<std::unique_ptr<Stream>> connect_stream(Endpoint endpoint, milliseconds timeout);

}  // namespace lockstep::net
