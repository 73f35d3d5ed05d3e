#include "sync/engine/precheck.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

constexpr uint64_t looked_at_max = 20'000;
constexpr uint64_t repl_timeout_s_advised = 600;
constexpr uint64_t backlog_bytes_advised = 64ull << 20;

/// What was read of both sides, and how the items are judged.
struct Check {
  const SyncOptions& options;
  std::vector<net::Endpoint> source_endpoints;
  std::vector<ServerInfo> sources;
  std::vector<net::Endpoint> target_endpoints;
  std::vector<ServerInfo> targets;
  bool target_clustered = false;
  const TargetAbilities& abilities;
  std::vector<std::string> failures;

  void fail(const char* item, const std::string& message) {
    if (options.ignore.contains(item)) {
      spdlog::warn("precheck {}: {} (ignored)", item, message);
    } else {
      failures.push_back(fmt::format("{}: {}", item, message));
    }
  }
  /// Keys that the target cannot hold; `remedy` is the way out besides leaving them out.
  void unsupported(const char* item, const std::string& found, const std::string& remedy) {
    if (options.unsupported == OnUnsupported::report) {
      warn(item, found + ": they are left out, counted and listed");
    } else {
      fail(item, fmt::format("{}: {}, or leave them out, counted and listed, with --unsupported "
                             "report",
                             found, remedy));
    }
  }
  void warn(const char* item, const std::string& message) const {
    if (!options.ignore.contains(item)) spdlog::warn("precheck {}: {}", item, message);
  }
};

void check_same_instance(Check& check) {
  for (size_t s = 0; s < check.sources.size(); ++s) {
    for (size_t t = 0; t < check.targets.size(); ++t) {
      if (check.sources[s].run_id.empty() || check.sources[s].run_id != check.targets[t].run_id)
        continue;
      check.fail("same-instance",
                 fmt::format("{} and {} are the same server: source and target must differ",
                             check.source_endpoints[s].label(), check.target_endpoints[t].label()));
    }
  }
}

void check_databases(Check& check) {
  const uint32_t databases = check.abilities.databases;
  for (size_t s = 0; s < check.sources.size(); ++s) {
    for (const auto& [db, keys] : check.sources[s].keys_by_db()) {
      if (db < databases) continue;
      const std::string found =
          fmt::format("{} holds {} keys in database {}, and the target{} has only {}",
                      check.source_endpoints[s].label(), format_count(keys), db,
                      check.target_clustered ? " is a cluster, which" : "",
                      databases == 1 ? "database 0" : fmt::format("{} databases", databases));
      check.unsupported(
          "databases", found,
          check.target_clustered
              ? "move them to database 0 or sync into a standalone target"
              : fmt::format("set databases {} in the target's configuration", db + 1));
    }
  }
}

/// A number that INFO gives for each database, as "db0:keys=3,…,subexpiry=2".
uint64_t sum_of(const ServerInfo& info, Bytes label) {
  uint64_t sum = 0;
  for (const auto& [db, keys] : info.by_db(label)) sum += keys;
  return sum;
}

void check_field_expiry(Check& check, const std::string& label, const ServerInfo& source) {
  const uint64_t hashes =
      sum_of(source, "subexpiry=") + sum_of(source, "keys_with_volatile_items=");
  if (hashes == 0 || check.abilities.field_expiry()) return;
  check.unsupported("unsupported",
                    fmt::format("{} holds {} hashes with fields that expire, which the target does "
                                "not know",
                                label, format_count(hashes)),
                    "use a target of Redis 7.4 or Valkey 9 or newer");
}

void check_functions(Check& check, const std::string& label, const ServerInfo& source) {
  const uint64_t libraries = source.number("number_of_libraries");
  if (libraries == 0 || check.abilities.functions()) return;
  check.unsupported("unsupported",
                    fmt::format("{} has {} function libraries, and the target has no functions",
                                label, format_count(libraries)),
                    "use a target of Redis 7.0 or newer");
}

/// What TYPE says of keys that the target cannot hold, with how many of them there are.
using Types = std::map<std::string, uint64_t>;

asio::awaitable<uint64_t> count_types(net::Client& client, bool streams, Types& found,
                                      uint64_t keys_max) {
  static const std::set<std::string> plain{"string", "list", "set", "zset", "hash", "none"};
  uint64_t looked_at = 0;
  std::string cursor = "0";
  do {
    std::vector<std::string> scan{"SCAN", cursor, "COUNT", "500"};
    const resp::Value reply = co_await client.command_or_throw(std::move(scan));
    if (reply.items.size() != 2) break;
    cursor = reply.items[0].text;
    const std::vector<resp::Value>& keys = reply.items[1].items;
    std::string requests;
    for (const resp::Value& key : keys) resp::append_command(requests, {"TYPE", key.text});
    const auto types = co_await client.pipeline(std::move(requests), keys.size());
    for (const resp::Value& type : types) {
      if (plain.contains(type.text) || (streams && type.text == "stream")) continue;
      ++found[type.text];
    }
    looked_at += keys.size();
  } while (cursor != "0" && looked_at < keys_max);
  co_return looked_at;
}

void report_types(Check& check, const std::string& label, const Types& found, bool all) {
  for (const auto& [type, count] : found) {
    const bool stream = type == "stream";
    check.unsupported(
        "unsupported",
        fmt::format("{} holds {}{} {}, which the target does not know", label,
                    all ? "" : "at least ", format_count(count),
                    stream ? std::string("streams") : "values of the module type " + type),
        stream ? "use a target of Redis 5.0 or newer" : "load the same module into the target");
  }
}

/// Counts types by looking at keys, not at more than can be looked at in a moment: what was not
/// found here is met by the copy.
asio::awaitable<void> check_types(Check& check, net::Endpoint endpoint, const ServerInfo& source) {
  const bool streams = check.abilities.streams();
  const auto client = co_await net::Client::connect(endpoint);
  std::vector<std::string> list{"MODULE", "LIST"};
  const resp::Value modules = co_await client->command(std::move(list));
  const bool plain = !has_value_modules(modules) || check.abilities.modules;
  if (streams && plain) co_return;
  Types found;
  uint64_t left = looked_at_max;
  bool all = true;
  for (const auto& [db, keys] : source.keys_by_db()) {
    if (left == 0) all = false;
    if (left == 0 || db >= check.abilities.databases) continue;
    std::vector<std::string> select{"SELECT", std::to_string(db)};
    if (db > 0) co_await client->command_or_throw(std::move(select));
    const uint64_t looked_at = co_await count_types(*client, streams, found, left);
    all = all && looked_at >= keys;
    left -= std::min(left, looked_at);
  }
  report_types(check, endpoint.label(), found, all);
}

void check_empty(Check& check) {
  if (check.options.existing != ExistingData::stop) return;
  for (size_t t = 0; t < check.targets.size(); ++t) {
    uint64_t total = 0;
    for (const auto& [db, keys] : check.targets[t].keys_by_db()) total += keys;
    if (total == 0) continue;
    check.fail("target-empty",
               fmt::format("the target {} holds {} keys: empty it (redis-cli -h {} -p {} "
                           "FLUSHALL), or keep them and let the "
                           "source's keys replace those of the same name with --existing overwrite",
                           check.target_endpoints[t].label(), format_count(total),
                           check.target_endpoints[t].host, check.target_endpoints[t].port));
  }
}

void check_writable(Check& check) {
  for (size_t t = 0; t < check.targets.size(); ++t) {
    const ServerInfo& target = check.targets[t];
    if (target.role == "slave") {
      check.fail("target-role",
                 fmt::format("{} is a replica of {}:{}: give its primary as the target",
                             check.target_endpoints[t].label(), target.text("master_host"),
                             target.text("master_port")));
    }
    if (target.maxmemory > 0 && target.maxmemory_policy != "noeviction") {
      check.warn("target-eviction",
                 fmt::format("{} evicts keys when it is full (maxmemory-policy {}), which a sync "
                             "cannot see: CONFIG SET "
                             "maxmemory-policy noeviction",
                             check.target_endpoints[t].label(), target.maxmemory_policy));
    }
  }
}

void check_memory(Check& check) {
  uint64_t used = 0;
  uint64_t free = 0;
  for (const ServerInfo& source : check.sources) used += source.used_memory;
  for (const ServerInfo& target : check.targets) {
    if (target.maxmemory == 0) return;
    free += target.maxmemory > target.used_memory ? target.maxmemory - target.used_memory : 0;
  }
  if (free >= used) return;
  check.fail("target-memory", fmt::format("the source uses {} and the target has {} left below "
                                          "maxmemory: raise maxmemory there, or go on with "
                                          "--ignore target-memory",
                                          format_bytes(used), format_bytes(free)));
}

void check_version(Check& check) {
  const int source = version_number(check.sources.front().version);
  const int target = version_number(check.targets.front().version);
  if (source / 100 <= target / 100) return;
  check.warn(
      "version",
      fmt::format("the source is of version {} and the target of {}: values whose form the target "
                  "does not know are sent as commands, and commands it does not know are sent as "
                  "others or settled by reading the key again",
                  check.sources.front().version, check.targets.front().version));
}

asio::awaitable<std::string> config_value(net::Client& client, std::string name) {
  std::vector<std::string> request{"CONFIG", "GET", std::move(name)};
  const resp::Value reply = co_await client.command(std::move(request));
  co_return reply.items.size() == 2 ? reply.items[1].text : std::string();
}

/// Settings of the source that decide whether a link survives. A server that hides CONFIG is left
/// alone.
asio::awaitable<void> check_replication(Check& check, net::Endpoint endpoint) {
  const auto client = co_await net::Client::connect(endpoint);
  const std::string timeout = co_await config_value(*client, "repl-timeout");
  if (!timeout.empty() && std::stoull(timeout) < repl_timeout_s_advised) {
    check.warn("repl-timeout", fmt::format("{} drops a replica after {} s of silence: CONFIG SET "
                                           "repl-timeout {} for the time of the copy",
                                           endpoint.label(), timeout, repl_timeout_s_advised));
  }
  const std::string backlog = co_await config_value(*client, "repl-backlog-size");
  if (!backlog.empty() && std::stoull(backlog) < backlog_bytes_advised) {
    check.warn(
        "repl-backlog-size",
        fmt::format("{} keeps {} for a link that was interrupted: CONFIG SET repl-backlog-size {} "
                    "lets it be "
                    "longer away",
                    endpoint.label(), format_bytes(std::stoull(backlog)), backlog_bytes_advised));
  }
  std::vector<std::string> modules_request{"MODULE", "LIST"};
  const resp::Value modules = co_await client->command(std::move(modules_request));
  if (has_value_modules(modules)) {
    check.warn("modules", fmt::format("{} has {} modules: their values are copied as they are and "
                                      "need the same modules in the target",
                                      endpoint.label(), modules.items.size()));
  }
}

void raise(const Check& check) {
  if (check.failures.empty()) return;
  std::string message = "precheck failed, nothing was changed:";
  for (const std::string& failure : check.failures) message += "\n  - " + failure;
  throw UserError(message);
}

}  // namespace

void require_topology(const cluster::Topology& topology, const std::string& declared,
                      const std::string& side, const std::string& label) {
  if (declared == "auto" || topology.clustered == (declared == "cluster")) return;
  throw UserError(
      fmt::format("precheck failed, nothing was changed:\n  - topology: the {} {} is {}, but {} "
                  "was declared: give --{}-topology {}",
                  side, label, topology.clustered ? "a cluster" : "a standalone server",
                  declared == "cluster" ? "a cluster" : "standalone",
                  side == "source" ? "from" : "to", topology.clustered ? "cluster" : "standalone"));
}

void require_covered(const cluster::Topology& topology, const std::string& side) {
  if (!topology.clustered) return;
  std::string ranges;
  for (const auto& [first, last] : topology.uncovered())
    ranges += fmt::format(" {}-{}", first.value, last.value);
  if (ranges.empty()) return;
  throw UserError(
      fmt::format("precheck failed, nothing was changed:\n  - slots: nobody owns the slots{} of "
                  "the {} cluster: bring back the nodes "
                  "that held them, or assign them with CLUSTER ADDSLOTSRANGE",
                  ranges, side));
}

asio::awaitable<void> precheck(const SyncOptions& options, const Source& source, Target& target) {
  require_topology(target.topology(), options.to_topology, "target",
                   target.node(0).endpoint().label());
  require_covered(target.topology(), "target");
  Check check{.options = options,
              .source_endpoints = source.shards,
              .sources = {},
              .target_endpoints = {},
              .targets = {},
              .target_clustered = target.clustered(),
              .abilities = target.abilities(),
              .failures = {}};
  for (const net::Endpoint& endpoint : source.shards)
    check.sources.push_back(co_await read_server_info(endpoint));
  for (size_t i = 0; i < target.node_count(); ++i) {
    check.target_endpoints.push_back(target.node(i).endpoint());
    check.targets.push_back(co_await read_server_info(target.node(i).endpoint()));
  }
  check_same_instance(check);
  check_databases(check);
  for (size_t i = 0; i < check.sources.size(); ++i) {
    check_field_expiry(check, source.shards[i].label(), check.sources[i]);
    check_functions(check, source.shards[i].label(), check.sources[i]);
    co_await check_types(check, source.shards[i], check.sources[i]);
  }
  check_empty(check);
  check_writable(check);
  check_memory(check);
  check_version(check);
  raise(check);
  for (const net::Endpoint& endpoint : source.shards) co_await check_replication(check, endpoint);
}

}  // namespace lockstep::engine
