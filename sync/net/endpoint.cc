#include "sync/net/endpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "sync/base/error.h"

namespace lockstep::net {

namespace {

/// Walks one URL; every complaint names it without its password.
class UrlParser {
 public:
  explicit UrlParser(const std::string& url) : url_(url), rest_(url) {}

  Endpoint parse() {
    parse_scheme();
    parse_options();
    if (unix_) {
      endpoint_.unix_path = rest_;
      if (rest_.empty()) refuse("it has no path");
      return endpoint_;
    }
    parse_path();
    parse_login();
    parse_host();
    return endpoint_;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw UserError(fmt::format("the URL \"{}\" is not understood: {}; write it as redis://[user:password@]host[:port], rediss://… for TLS, or "
                                "unix:///path", without_password(), why), ExitCode::bad_arguments);
  }

  std::string without_password() const {
    const size_t at = url_.rfind('@');
    if (at == std::string::npos) return url_;
    const size_t scheme = url_.find("://");
    const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    return url_.substr(0, begin) + "***" + url_.substr(at);
  }

  void parse_scheme() {
    const size_t end = rest_.find("://");
    if (end == std::string::npos) return;
    const std::string scheme = rest_.substr(0, end);
    rest_.erase(0, end + 3);
    if (scheme == "rediss" || scheme == "valkeys") {
      endpoint_.tls = true;
    } else if (scheme == "unix") {
      unix_ = true;
    } else if (scheme != "redis" && scheme != "valkey") {
      refuse(fmt::format("\"{}\" is no scheme of ours", scheme));
    }
  }

  void parse_options() {
    const size_t mark = rest_.find('?', rest_.rfind('@') == std::string::npos ? 0 : rest_.rfind('@'));
    if (mark == std::string::npos) return;
    std::string options = rest_.substr(mark + 1);
    rest_.erase(mark);
    while (!options.empty()) {
      const size_t end = std::min(options.find('&'), options.size());
      parse_option(options.substr(0, end));
      options.erase(0, std::min(end + 1, options.size()));
    }
  }

  void parse_option(const std::string& option) {
    const size_t equals = option.find('=');
    const std::string name = option.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : decode(option.substr(equals + 1));
    TlsOptions& tls = endpoint_.tls_options;
    if (name == "verify" && (value == "yes" || value == "no")) tls.verify = value == "yes";
    else if (name == "cacert") tls.ca_file = value;
    else if (name == "cert") tls.cert_file = value;
    else if (name == "key") tls.key_file = value;
    else if (name == "sni") tls.server_name = value;
    else if (name == "user" && unix_) endpoint_.user = value;
    else if (name == "password" && unix_) endpoint_.password = value;
    else refuse(fmt::format("the option \"{}\" is not one of verify=yes|no, cacert, cert, key, sni", option));
  }

  void parse_path() {
    const size_t at = rest_.rfind('@');
    const size_t slash = rest_.find('/', at == std::string::npos ? 0 : at);
    if (slash == std::string::npos) return;
    const std::string db = rest_.substr(slash + 1);
    rest_.erase(slash);
    if (db.empty()) return;
    const auto [end, error] = std::from_chars(db.data(), db.data() + db.size(), endpoint_.db);
    if (error != std::errc() || end != db.data() + db.size()) refuse(fmt::format("the database \"{}\" is not a number", db));
  }

  void parse_login() {
    const size_t at = rest_.rfind('@');
    if (at == std::string::npos) return;
    const std::string login = rest_.substr(0, at);
    rest_.erase(0, at + 1);
    const size_t colon = login.find(':');
    if (colon == std::string::npos) {
      endpoint_.password = decode(login);
    } else {
      endpoint_.user = decode(login.substr(0, colon));
      endpoint_.password = decode(login.substr(colon + 1));
    }
  }

  void parse_host() {
    std::string port;
    if (rest_.starts_with('[')) {
      const size_t close = rest_.find(']');
      if (close == std::string::npos) refuse("the \"[\" of the IPv6 address is not closed");
      endpoint_.host = rest_.substr(1, close - 1);
      port = rest_.substr(close + 1);
      if (!port.empty() && !port.starts_with(':')) refuse("only a port may follow the IPv6 address");
    } else {
      const size_t colon = rest_.find(':');
      if (colon != std::string::npos && rest_.find(':', colon + 1) != std::string::npos) refuse("an IPv6 address is written in brackets, [::1]:6379");
      endpoint_.host = rest_.substr(0, colon);
      if (colon != std::string::npos) port = rest_.substr(colon);
    }
    if (endpoint_.host.empty()) refuse("it has no host");
    if (!port.empty()) parse_port(port.substr(1));
  }

  void parse_port(const std::string& port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint_.port);
    if (error != std::errc() || end != port.data() + port.size() || endpoint_.port == 0) refuse(fmt::format("\"{}\" is no port (1 to 65535)", port));
  }

  std::string decode(const std::string& text) const {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i];
        continue;
      }
      unsigned value = 0;
      const char* begin = text.data() + i + 1;
      const char* end = text.data() + std::min(i + 3, text.size());
      if (end - begin != 2 || std::from_chars(begin, end, value, 16).ptr != end) refuse("a \"%\" must be followed by two hexadecimal digits");
      out += static_cast<char>(value);
      i += 2;
    }
    return out;
  }

  const std::string& url_;
  std::string rest_;
  bool unix_ = false;
  Endpoint endpoint_;
};

}  // namespace

std::string Endpoint::label() const {
  if (!unix_path.empty()) return unix_path;
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Endpoint Endpoint::with_address(const std::string& other_host, uint16_t other_port) const {
  Endpoint other = *this;
  other.host = other_host;
  other.port = other_port;
  other.unix_path.clear();
  return other;
}

bool operator==(const Endpoint& a, const Endpoint& b) {
  return a.host == b.host && a.port == b.port && a.unix_path == b.unix_path && a.tls == b.tls && a.user == b.user && a.password == b.password;
}

Endpoint parse_endpoint(const std::string& url) {
  if (url.empty()) throw UserError("a URL is empty; write it as redis://host:port", ExitCode::bad_arguments);
  return UrlParser(url).parse();
}

}  // namespace lockstep::net
