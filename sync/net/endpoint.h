#pragma once

#include <cstdint>
#include <string>

namespace lockstep::net {

/// How the certificate of a TLS server is judged and what we show of ourselves.
struct TlsOptions {
  bool verify =
      true;  ///< off: any certificate is accepted (`--tls-insecure`, or `?verify=no` in the URL)
  std::string ca_file;      ///< PEM; empty: the system's store (`?cacert=FILE`)
  std::string cert_file;    ///< PEM, our certificate, when the server wants one (`?cert=FILE`)
  std::string key_file;     ///< PEM, its key (`?key=FILE`)
  std::string server_name;  ///< SNI and the name checked; empty: the host (`?sni=NAME`)
};

/// One server and how to log in to it. Value type.
struct Endpoint {
  std::string host;  ///< name, IPv4, or IPv6 without brackets; empty with a unix path
  uint16_t port = 6379;
  std::string unix_path;
  bool tls = false;
  TlsOptions tls_options;
  std::string user;      ///< empty: the default user
  std::string password;  ///< empty: no AUTH is sent
  uint32_t db = 0;       ///< from the URL's path; only where a command documents it

  /// "host:port", "[::1]:port" or the unix path: for messages, without credentials.
  std::string label() const;
  /// The same login and TLS for another address of the same deployment.
  Endpoint with_address(const std::string& other_host, uint16_t other_port) const;
  friend bool operator==(const Endpoint&, const Endpoint&);
};

/// Parses `redis://[user[:password]@]host[:port][/db][?options]`, `rediss://…` (TLS),
/// `unix:///path`, also bare `host:port`, `[v6]:port`, `user:password@host:port`, percent-encoding
/// in user and password. Throws UserError (bad_arguments) that quotes the URL without its password,
/// says what is wrong and shows a right one.
Endpoint parse_endpoint(const std::string& url);
/// The same URL for a file that others may read: without its password, or what may be one.
std::string url_without_password(const std::string& url);

}  // namespace lockstep::net
