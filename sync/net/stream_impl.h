#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>

#include "sync/net/stream.h"

namespace lockstep::net {

// The transports behind Stream, for connect.cc.
std::unique_ptr<Stream> make_stream(asio::ip::tcp::socket socket, Endpoint endpoint);
std::unique_ptr<Stream> make_stream(asio::local::stream_protocol::socket socket, Endpoint endpoint);
std::unique_ptr<Stream> make_stream(std::shared_ptr<asio::ssl::context> context, asio::ssl::stream<asio::ip::tcp::socket> socket,
                                    Endpoint endpoint);

}  // namespace lockstep::net
