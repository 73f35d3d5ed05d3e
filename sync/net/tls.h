#pragma once

// TLS settings and what to tell a person when a handshake fails; private to this module.

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <string>

#include "sync/net/endpoint.h"

namespace lockstep::net {

/// A client context as the endpoint's options say. Throws UserError that names the file which
/// cannot be used.
boost::asio::ssl::context make_tls_context(const Endpoint& endpoint);

/// Server name indication, and the name or address that the certificate must be for.
void set_expected_name(SSL* ssl, const Endpoint& endpoint);

/// An error of OpenSSL on an established connection, such as an alert that the server sent.
std::string explain_tls_error(boost::system::error_code error);

/// Why the handshake failed and what to do; empty if it is no more than a broken connection.
std::string explain_handshake_failure(SSL* ssl, boost::system::error_code error);

}  // namespace lockstep::net
