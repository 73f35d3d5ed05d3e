#include "sync/engine/server_info.h"

#include <fmt/format.h>

#include <charconv>

#include "sync/base/error.h"

namespace lockstep::engine {

namespace {

uint64_t to_number(Bytes text, uint64_t fallback) {
  uint64_t value = fallback;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void read_fields(ServerInfo& info) {
  info.version = info.text("redis_version");
  info.run_id = info.text("run_id");
  info.role = info.text("role");
  info.loading = info.number("loading") != 0;
  info.used_memory = info.number("used_memory");
  info.maxmemory = info.number("maxmemory");
  info.maxmemory_policy = info.text("maxmemory_policy");
  info.master_repl_offset = Offset{static_cast<int64_t>(info.number("master_repl_offset"))};
}

/// A number of each line like "db0:keys=2,expires=1,avg_ttl=0".
std::map<uint32_t, uint64_t> keyspace(const ServerInfo& info, Bytes label) {
  std::map<uint32_t, uint64_t> numbers;
  for (const auto& [name, value] : info.fields) {
    const size_t at = value.find(label);
    if (!name.starts_with("db") || !value.starts_with("keys=") || at == std::string::npos) continue;
    numbers[static_cast<uint32_t>(to_number(Bytes(name).substr(2), 0))] =
        to_number(Bytes(value).substr(at + label.size()), 0);
  }
  return numbers;
}

}  // namespace

uint64_t ServerInfo::number(Bytes field, uint64_t fallback) const {
  const auto found = fields.find(field);
  return found == fields.end() ? fallback : to_number(found->second, fallback);
}

std::string ServerInfo::text(Bytes field) const {
  const auto found = fields.find(field);
  return found == fields.end() ? std::string() : found->second;
}

std::map<uint32_t, uint64_t> ServerInfo::keys_by_db() const { return keyspace(*this, "keys="); }

std::map<uint32_t, uint64_t> ServerInfo::expires_by_db() const {
  return keyspace(*this, "expires=");
}

std::map<uint32_t, uint64_t> ServerInfo::by_db(Bytes label) const { return keyspace(*this, label); }

ServerInfo parse_info(Bytes text) {
  ServerInfo info;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    Bytes line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t colon = line.find(':');
    if (line.starts_with('#') || colon == Bytes::npos) continue;
    info.fields.emplace(line.substr(0, colon), line.substr(colon + 1));
  }
  read_fields(info);
  return info;
}

net::asio::awaitable<ServerInfo> read_server_info(net::Client& client) {
  std::vector<std::string> request{"INFO"};
  const resp::Value reply = co_await client.command_or_throw(std::move(request));
  co_return parse_info(reply.text);
}

net::asio::awaitable<ServerInfo> read_server_info(net::Endpoint endpoint) {
  const auto client = co_await net::Client::connect(std::move(endpoint));
  co_return co_await read_server_info(*client);
}

void require_writable(const ServerInfo& info, const std::string& label) {
  if (info.loading) throw UserError(fmt::format("{} is loading its data set", label));
  if (info.role == "slave") throw UserError(fmt::format("{} is a replica now", label));
  const bool full = info.maxmemory > 0 && info.used_memory >= info.maxmemory;
  if (full && info.maxmemory_policy == "noeviction") {
    throw UserError(fmt::format(
        "{} is out of memory ({} of maxmemory {}): raise maxmemory or free memory there", label,
        format_bytes(info.used_memory), format_bytes(info.maxmemory)));
  }
}

int version_number(Bytes version) {
  int result = 0;
  for (int part = 0; part < 3; ++part) {
    int value = 0;
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), value);
    if (error != std::errc()) return part == 0 ? 0 : result;
    result += value * (part == 0 ? 10000 : part == 1 ? 100 : 1);
    version.remove_prefix(static_cast<size_t>(end - version.data()));
    if (version.starts_with('.')) version.remove_prefix(1);
  }
  return result;
}

}  // namespace lockstep::engine
