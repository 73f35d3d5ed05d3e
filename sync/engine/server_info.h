#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/net/client.h"

namespace lockstep::engine {

/// What INFO says, by field, and the fields that the engine decides by.
struct ServerInfo {
  std::map<std::string, std::string, std::less<>> fields;
  std::string version;  ///< valkey_version where there is one would not order with Redis': this is
                        ///< redis_version
  std::string run_id;
  std::string role;  ///< "master" or "slave"
  bool loading = false;
  uint64_t used_memory = 0;
  uint64_t maxmemory = 0;
  std::string maxmemory_policy;
  Offset master_repl_offset;

  /// A number, or `fallback` where the server does not tell.
  uint64_t number(Bytes field, uint64_t fallback = 0) const;
  std::string text(Bytes field) const;
  /// What it is, whichever family: two servers with the same one behave the same.
  std::string release() const { return version + " " + text("valkey_version"); }
  /// Keys by database, from the keyspace section.
  std::map<uint32_t, uint64_t> keys_by_db() const;
  /// Keys with a time to live, by database; databases without keys are absent.
  std::map<uint32_t, uint64_t> expires_by_db() const;
  /// Another number of the keyspace section, by its label with '='; databases without it are
  /// absent.
  std::map<uint32_t, uint64_t> by_db(Bytes label) const;
};

ServerInfo parse_info(Bytes text);
/// INFO over a connection of its own, or one that is there.
net::asio::awaitable<ServerInfo> read_server_info(net::Endpoint endpoint);
net::asio::awaitable<ServerInfo> read_server_info(net::Client& client);
/// Throws UserError that says why this server would not take writes now: loading, a replica, out of
/// memory.
void require_writable(const ServerInfo& info, const std::string& label);

/// "7.0.15" → 70015; 0 if it is not such a text.
int version_number(Bytes version);

}  // namespace lockstep::engine
