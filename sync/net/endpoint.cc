#include "sync/net/endpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <tuple>

#include "sync/base/error.h"

namespace lockstep::net {
namespace {

using std::string_view;

/// Where everything that may be a password is: from the first ':' behind the scheme (or from the
/// scheme, if there is none) to the last '@'. Empty, at the end, without '@'.
std::pair<size_t, size_t> password_range(string_view url) {
  const size_t at = url.rfind('@');
  if (at == string_view::npos) return {url.size(), url.size()};
  const size_t scheme = url.find("://");
  const size_t user = scheme == string_view::npos || scheme > at ? 0 : scheme + 3;
  const size_t colon = url.find(':', user);
  return {colon < at ? colon : user, at};
}

std::string redacted(string_view url) {
  auto [begin, end] = password_range(url);
  if (begin == end) return std::string(url);
  if (url[begin] == ':') ++begin;
  return fmt::format("{}***{}", url.substr(0, begin), url.substr(end));
}

/// Parses one URL; its methods take the parts from the front of what is left.
class UrlParser {
 public:
  explicit UrlParser(string_view url) : url_(url), rest_(url) {}

  Endpoint parse() {
    take_scheme();
    take_query();
    if (unix_) {
      take_unix_path();
    } else {
      take_user();
      take_path();
      take_address();
    }
    check();
    return std::move(endpoint_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(
        fmt::format("\"{}\" is not a server address: {}. Right ones: redis://127.0.0.1:6379, "
                    "rediss://user:password@example.org:6380/0?cacert=ca.pem, redis://[::1]:6379, "
                    "unix:///run/redis.sock",
                    redacted(url_), what),
        ExitCode::bad_arguments);
  }

  void take_scheme() {
    const size_t end = rest_.find("://");
    if (end == string_view::npos) return;
    const string_view scheme = rest_.substr(0, end);
    // Not a scheme but a password that holds "://".
    if (scheme.find_first_of(":@/") != string_view::npos) return;
    rest_.remove_prefix(end + 3);
    if (scheme == "unix" || scheme == "redis+unix") {
      unix_ = true;
    } else if (scheme == "rediss" || scheme == "valkeys") {
      endpoint_.tls = true;
    } else if (scheme != "redis" && scheme != "valkey") {
      fail(fmt::format("unknown scheme \"{}\" (redis, rediss and unix are known)", scheme));
    }
  }

  void take_query() {
    const size_t begin = rest_.find('?');
    if (begin == string_view::npos) return;
    string_view query = rest_.substr(begin + 1);
    rest_ = rest_.substr(0, begin);
    while (!query.empty()) {
      const string_view option = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(query.size(), option.size() + 1));
      set_option(option);
    }
  }

  void set_option(string_view option) {
    const size_t equals = option.find('=');
    const string_view name = option.substr(0, equals);
    if (equals == string_view::npos) fail(fmt::format("option \"{}\" has no value", name));
    const std::string value = decode(option.substr(equals + 1));
    if (name == "db") {
      set_db(value);
      return;
    }
    tls_option_ = name;
    TlsOptions& tls = endpoint_.tls_options;
    if (name == "verify") {
      set_verify(value);
    } else if (name == "cacert") {
      tls.ca_file = value;
    } else if (name == "cert") {
      tls.cert_file = value;
    } else if (name == "key") {
      tls.key_file = value;
    } else if (name == "sni") {
      tls.server_name = value;
    } else {
      fail(fmt::format("unknown option \"{}\" (known: verify, cacert, cert, key, sni, db)", name));
    }
  }

  void set_verify(const std::string& value) {
    if (value != "yes" && value != "no") fail("verify must be yes or no");
    endpoint_.tls_options.verify = value == "yes";
  }

  void take_unix_path() {
    const size_t slash = rest_.find('/');
    const size_t at = rest_.substr(0, slash).rfind('@');
    if (at != string_view::npos) set_user(rest_.substr(0, at));
    rest_.remove_prefix(at == string_view::npos ? 0 : at + 1);
    if (!rest_.starts_with('/') || rest_.size() < 2) fail("the path of the socket is missing");
    endpoint_.port = 0;
    endpoint_.unix_path = decode(rest_);
  }

  void take_path() {
    const size_t slash = rest_.find('/');
    if (slash == string_view::npos) return;
    const string_view path = rest_.substr(slash + 1);
    rest_ = rest_.substr(0, slash);
    if (!path.empty()) set_db(path);
  }

  void set_db(string_view text) {
    const std::optional<uint32_t> db = number(text, INT32_MAX);
    if (!db) fail("the database must be a number");
    endpoint_.db = *db;
  }

  void take_user() {
    const size_t at = rest_.rfind('@');
    if (at == string_view::npos) return;
    set_user(rest_.substr(0, at));
    rest_.remove_prefix(at + 1);
  }

  void set_user(string_view user_info) {
    const size_t colon = user_info.find(':');
    endpoint_.user = decode(user_info.substr(0, colon));
    if (colon != string_view::npos) endpoint_.password = decode(user_info.substr(colon + 1));
  }

  void take_address() {
    if (rest_.starts_with('[')) {
      const size_t end = rest_.find(']');
      if (end == string_view::npos) fail("the ']' of the IPv6 address is missing");
      endpoint_.host = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
    } else {
      if (rest_.find(':') != rest_.rfind(':')) fail("an IPv6 address must stand in brackets");
      endpoint_.host = rest_.substr(0, rest_.find(':'));
      rest_.remove_prefix(endpoint_.host.size());
    }
    if (endpoint_.host.empty()) fail("the host is missing");
    if (!rest_.empty()) take_port();
  }

  void take_port() {
    const std::optional<uint32_t> port =
        rest_.starts_with(':') ? number(rest_.substr(1), UINT16_MAX) : std::nullopt;
    if (!port || *port == 0) fail("the port must be a number from 1 to 65535");
    endpoint_.port = static_cast<uint16_t>(*port);
  }

  void check() const {
    for (const char c : endpoint_.host) {
      if (static_cast<unsigned char>(c) <= ' ' || c == '%') fail("the host is not a name");
    }
    if (!tls_option_.empty() && !endpoint_.tls) {
      fail(fmt::format("option \"{}\" is for TLS, which needs rediss://", tls_option_));
    }
    const TlsOptions& tls = endpoint_.tls_options;
    if (tls.cert_file.empty() != tls.key_file.empty()) fail("cert and key belong together");
  }

  static std::optional<uint32_t> number(string_view text, uint32_t largest) {
    uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && stop == text.data() + text.size();
    return whole && value <= largest ? std::optional(value) : std::nullopt;
  }

  std::string decode(string_view text) const {
    std::string out;
    while (!text.empty()) {
      if (text[0] != '%') {
        out += text[0];
        text.remove_prefix(1);
        continue;
      }
      unsigned char byte = 0;
      const char* const digits = text.data() + 1;
      if (text.size() < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
        fail("'%' must be followed by two hexadecimal digits (a '%' itself is %25)");
      }
      out += static_cast<char>(byte);
      text.remove_prefix(3);
    }
    return out;
  }

  string_view url_;
  string_view rest_;
  bool unix_ = false;
  string_view tls_option_;
  Endpoint endpoint_;
};

auto fields(const TlsOptions& tls) {
  return std::tie(tls.verify, tls.ca_file, tls.cert_file, tls.key_file, tls.server_name);
}

}  // namespace

std::string Endpoint::label() const {
  if (!unix_path.empty()) return unix_path;
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Endpoint Endpoint::with_address(const std::string& other_host, uint16_t other_port) const {
  Endpoint other = *this;
  other.host = other_host;
  other.port = other_port;
  other.unix_path.clear();
  return other;
}

bool operator==(const Endpoint& a, const Endpoint& b) {
  const auto rest = [](const Endpoint& e) {
    return std::tie(e.host, e.port, e.unix_path, e.tls, e.user, e.password, e.db);
  };
  return rest(a) == rest(b) && fields(a.tls_options) == fields(b.tls_options);
}

Endpoint parse_endpoint(const std::string& url) { return UrlParser(url).parse(); }

std::string url_without_password(const std::string& url) {
  auto [begin, end] = password_range(url);
  // An '@' without a user before it goes too.
  if (end < url.size() && (begin == 0 || url[begin - 1] == '/')) ++end;
  return url.substr(0, begin) + url.substr(end);
}

}  // namespace lockstep::net
