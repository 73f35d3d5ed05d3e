#include "verifier/show_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "verifier/rdb_file.h"

namespace lockstep::verifier {

namespace {

/// One word for a shell: in single quotes, which end and begin again around a quote.
std::string quoted(Bytes text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// Readable as it stands. An empty word too, and what begins with a dash, since a command's name
/// goes before.
bool plain_word(Bytes text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
}

/// For redis-cli's own parser of lines, inside a shell's single quotes.
std::string escaped(Bytes text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte > 126 || c == '"' || c == '\\' || c == '\'') {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::pair<const char*, const char*> reading_command(const std::string& type) {
  if (type == "expiry") return {"PTTL", ""};
  if (type == "string") return {"GET", ""};
  if (type == "list") return {"LRANGE", " 0 -1"};
  if (type == "set") return {"SMEMBERS", ""};
  if (type == "zset") return {"ZRANGE", " 0 -1 WITHSCORES"};
  if (type == "hash") return {"HGETALL", ""};
  if (type == "stream") return {"XINFO STREAM", " FULL"};
  return {"DUMP", ""};
}

std::string tls_flags(const net::TlsOptions& tls) {
  std::string text = " --tls";
  if (!tls.verify) text += " --insecure";
  if (!tls.ca_file.empty()) text += " --cacert " + quoted(tls.ca_file);
  if (!tls.cert_file.empty()) text += " --cert " + quoted(tls.cert_file);
  if (!tls.key_file.empty()) text += " --key " + quoted(tls.key_file);
  if (!tls.server_name.empty()) text += " --sni " + quoted(tls.server_name);
  return text;
}

std::string client_program(const net::Endpoint& endpoint, DbIndex db, bool ask_password) {
  std::string text = ask_password || endpoint.password.empty() ? "" : "REDISCLI_AUTH=PASSWORD ";
  text += endpoint.unix_path.empty()
              ? fmt::format("redis-cli -h {} -p {}", endpoint.host, endpoint.port)
              : "redis-cli -s " + quoted(endpoint.unix_path);
  if (endpoint.tls) text += tls_flags(endpoint.tls_options);
  if (!endpoint.user.empty()) text += " --user " + quoted(endpoint.user);
  if (ask_password && !endpoint.password.empty()) text += " --askpass";
  if (db.value > 0) text += fmt::format(" -n {}", db.value);
  return text;
}

}  // namespace

std::string client_command(const net::Endpoint& endpoint, DbIndex db, Bytes key,
                           const std::string& what) {
  if (is_file_url(endpoint.unix_path)) return "";
  const auto [command, rest] = reading_command(what);
  if (plain_word(key)) {
    return fmt::format("{} {} {}{}", client_program(endpoint, db, true), command, quoted(key),
                       rest);
  }
  // As a line of redis-cli's input: the only way to a NUL, and no shell's echo reads \x.
  return fmt::format("echo '{} \"{}\"{}' | {}", command, escaped(key), rest,
                     client_program(endpoint, db, false));
}

}  // namespace lockstep::verifier
