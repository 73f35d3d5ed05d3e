#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "sync/base/error.h"
#include "sync/net/deadline.h"
#include "sync/net/stream_impl.h"

namespace lockstep::net {

namespace {

using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

[[noreturn]] void fail(const Endpoint& endpoint, const std::string& why) { throw ConnectionError(fmt::format("{}: {}", endpoint.label(), why)); }

std::string timeout_text(milliseconds timeout) { return fmt::format("no connection within {} ms", timeout.count()); }

asio::awaitable<std::unique_ptr<Stream>> connect_unix(Endpoint endpoint) {
  asio::local::stream_protocol::socket socket(co_await asio::this_coro::executor);
  const asio::local::stream_protocol::endpoint address(endpoint.unix_path);
  const auto [error] = co_await socket.async_connect(address, as_result);
  if (error) fail(endpoint, error.message());
  co_return make_stream(std::move(socket), std::move(endpoint));
}

asio::awaitable<tcp::socket> connect_tcp(Endpoint endpoint, milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  tcp::socket socket(executor);
  Deadline deadline(executor, timeout, [&] {
    resolver.cancel();
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  const std::string port = std::to_string(endpoint.port);
  const auto [resolve_error, addresses] = co_await resolver.async_resolve(endpoint.host, port, as_result);
  if (deadline.expired()) fail(endpoint, timeout_text(timeout));
  if (resolve_error) fail(endpoint, fmt::format("the host name is not known ({})", resolve_error.message()));
  const auto [error, used] = co_await asio::async_connect(socket, addresses, as_result);
  if (deadline.expired()) fail(endpoint, timeout_text(timeout));
  if (error) fail(endpoint, error == asio::error::connection_refused ? "connection refused: no server listens there" : error.message());
  socket.set_option(tcp::no_delay(true));
  socket.set_option(asio::socket_base::keep_alive(true));
  co_return socket;
}

void load_file(const Endpoint& endpoint, const char* what, const std::string& path, boost::system::error_code error) {
  if (error) throw UserError(fmt::format("{}: the {} {} cannot be used: {}", endpoint.label(), what, path, error.message()), ExitCode::bad_arguments);
}

std::shared_ptr<asio::ssl::context> make_context(const Endpoint& endpoint) {
  const TlsOptions& tls = endpoint.tls_options;
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  boost::system::error_code error;
  if (tls.ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(tls.ca_file, error);
    load_file(endpoint, "CA certificate", tls.ca_file, error);
  }
  if (!tls.cert_file.empty()) {
    context->use_certificate_chain_file(tls.cert_file, error);
    load_file(endpoint, "certificate", tls.cert_file, error);
  }
  if (!tls.key_file.empty()) {
    context->use_private_key_file(tls.key_file, asio::ssl::context::pem, error);
    load_file(endpoint, "key", tls.key_file, error);
  }
  context->set_verify_mode(tls.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  return context;
}

std::string tls_trouble(const boost::system::error_code& error) {
  const std::string text = error.message();
  if (text.find("certificate verify failed") != std::string::npos || text.find("hostname mismatch") != std::string::npos) {
    return fmt::format("the server's certificate does not verify ({}): give the CA with ?cacert=FILE, the name in the certificate with ?sni=NAME, or "
                       "go on without the check with ?verify=no", text);
  }
  return fmt::format("the TLS handshake failed ({}): is this a TLS port? Plain ports take redis:// instead of rediss://", text);
}

asio::awaitable<std::unique_ptr<Stream>> connect_tls(Endpoint endpoint, milliseconds timeout) {
  const auto context = make_context(endpoint);
  tcp::socket socket = co_await connect_tcp(endpoint, timeout);
  asio::ssl::stream<tcp::socket> stream(std::move(socket), *context);
  const std::string& name = endpoint.tls_options.server_name.empty() ? endpoint.host : endpoint.tls_options.server_name;
  SSL_set_tlsext_host_name(stream.native_handle(), name.c_str());
  if (endpoint.tls_options.verify) stream.set_verify_callback(asio::ssl::host_name_verification(name));
  const auto executor = co_await asio::this_coro::executor;
  Deadline deadline(executor, timeout, [&] {
    boost::system::error_code ignored;
    stream.lowest_layer().close(ignored);
  });
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, as_result);
  if (deadline.expired()) fail(endpoint, "no answer to the TLS handshake: is this a TLS port? Plain ports take redis:// instead of rediss://");
  if (error) fail(endpoint, tls_trouble(error));
  co_return make_stream(context, std::move(stream), std::move(endpoint));
}

}  // namespace

asio::awaitable<std::unique_ptr<Stream>> connect_stream(Endpoint endpoint, milliseconds timeout) {
  if (!endpoint.unix_path.empty()) co_return co_await connect_unix(std::move(endpoint));
  if (endpoint.tls) co_return co_await connect_tls(std::move(endpoint), timeout);
  tcp::socket socket = co_await connect_tcp(endpoint, timeout);
  co_return make_stream(std::move(socket), std::move(endpoint));
}

}  // namespace lockstep::net
