#include "sync/net/tls.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include "sync/base/error.h"

namespace lockstep::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

void check(error_code error, const char* option, const std::string& file) {
  if (!error) return;
  throw UserError(fmt::format("cannot use the {} file {}: {}", option, file, error.message()),
                  ExitCode::bad_arguments);
}

void trust(ssl::context& context, const TlsOptions& options) {
  error_code error;
  if (!options.ca_file.empty()) {
    context.load_verify_file(options.ca_file, error);
    check(error, "cacert", options.ca_file);
  } else if (options.verify) {
    context.set_default_verify_paths(error);
    check(error, "system certificate", "store");
  }
  context.set_verify_mode(options.verify ? ssl::verify_peer : ssl::verify_none);
}

void identify(ssl::context& context, const TlsOptions& options) {
  if (options.cert_file.empty()) return;
  error_code error;
  context.use_certificate_chain_file(options.cert_file, error);
  check(error, "cert", options.cert_file);
  context.use_private_key_file(options.key_file, ssl::context::pem, error);
  check(error, "key", options.key_file);
}

std::string explain_certificate(long result) {
  return fmt::format(
      "the server's certificate is not accepted: {}. Give the authority that signed it with "
      "?cacert=FILE, the name it was made for with ?sni=NAME, or skip the check with ?verify=no",
      X509_verify_cert_error_string(result));
}

}  // namespace

ssl::context make_tls_context(const Endpoint& endpoint) {
  ssl::context context(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  trust(context, endpoint.tls_options);
  identify(context, endpoint.tls_options);
  return context;
}

void set_expected_name(SSL* ssl, const Endpoint& endpoint) {
  const std::string& name =
      endpoint.tls_options.server_name.empty() ? endpoint.host : endpoint.tls_options.server_name;
  if (name.empty()) return;
  error_code not_an_address;
  boost::asio::ip::make_address(name, not_an_address);
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
  if (not_an_address) {
    SSL_set_tlsext_host_name(ssl, name.c_str());
    X509_VERIFY_PARAM_set1_host(expected, name.c_str(), name.size());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str());
  }
}

std::string explain_tls_error(error_code error) {
  switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return "the server does not speak TLS on this port: use redis:// instead of rediss://, or "
             "its "
             "TLS port";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return fmt::format("{}: the server wants our certificate, give it with ?cert=FILE&key=FILE",
                         error.message());
    default:
      return fmt::format("TLS failed: {}", error.message());
  }
}

std::string explain_handshake_failure(SSL* ssl, error_code error) {
  const long result = SSL_get_verify_result(ssl);
  if (result != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
    return explain_certificate(result);
  }
  if (error.category() != boost::asio::error::get_ssl_category()) return "";
  return explain_tls_error(error);
}

}  // namespace lockstep::net
