#include "sync/engine/target_abilities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/rdb/dump_payload.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

using commands::Option;

/// RDB versions that payloads may have: those that brought types, see rdb::type_table.
constexpr std::array<uint16_t, 8> rdb_versions{6, 7, 8, 9, 10, 11, 12, 80};
/// No server has it, so that only the footer decides what RESTORE says.
constexpr rdb::ValueType no_type = 0xff;
constexpr uint32_t databases_max = 1 << 20;

/// A request that changes nothing, as the key does not exist, and is refused where the option is
/// not known. %k is the key.
struct Probe {
  Option option;
  Bytes request;
};
constexpr std::array probes = {
    Probe{Option::set_keepttl, "SET %k v XX KEEPTTL"},
    Probe{Option::set_pxat, "SET %k v XX PXAT 4102444800000"},
    Probe{Option::set_conditions, "SET %k v IFEQ w"},
    Probe{Option::zadd_conditions, "ZADD %k XX CH 1 m"},
    Probe{Option::zadd_comparisons, "ZADD %k XX GT 1 m"},
    Probe{Option::geoadd_conditions, "GEOADD %k XX CH 1 1 m"},
    Probe{Option::bitop_more, "BITOP DIFF %k %k %k"},
    Probe{Option::xadd_minid, "XADD %k NOMKSTREAM MINID 1 1-1 f v"},
    Probe{Option::xadd_references, "XADD %k NOMKSTREAM KEEPREF 1-1 f v"},
};

void append_probe(std::string& out, Bytes request, Bytes key) {
  std::vector<Bytes> args;
  while (!request.empty()) {
    const size_t end = std::min(request.find(' '), request.size());
    const Bytes word = request.substr(0, end);
    args.push_back(word == "%k" ? key : word);
    request.remove_prefix(std::min(end + 1, request.size()));
  }
  resp::append_command(out, args);
}

bool contains(Bytes text, Bytes part) { return text.find(part) != Bytes::npos; }

/// The server did not look at the request: it is full, a replica, or does not let us. What becomes
/// of that is decided elsewhere; here it may be able to do all.
bool undecided(const resp::Value& reply) {
  static constexpr std::array<Bytes, 12> codes{
      "OOM",     "MISCONF", "READONLY",   "NOREPLICAS", "NOPERM", "CLUSTERDOWN",
      "LOADING", "BUSY",    "MASTERDOWN", "MOVED",      "ASK",    "TRYAGAIN"};
  return reply.is_error() && std::ranges::find(codes, reply.error_code()) != codes.end();
}

void learn_commands(commands::Dialect& dialect, const resp::Value& list) {
  if (list.is_error() || list.items.empty()) return;
  dialect = commands::Dialect();
  constexpr size_t subcommands = 9;
  const auto learn = [&](const resp::Value& entry) {
    if (entry.items.size() >= 2)
      dialect.learn(entry.items[0].text, static_cast<int>(entry.items[1].integer));
  };
  for (const resp::Value& entry : list.items) {
    learn(entry);
    if (entry.items.size() <= subcommands) continue;
    for (const resp::Value& part : entry.items[subcommands].items) learn(part);
  }
  dialect.end_of_list();
}

void learn_restore(TargetAbilities& abilities, std::span<const resp::Value> replies) {
  // The version is looked at behind the options, and the payload is never a good one.
  const auto refused = [](const resp::Value& reply) {
    return !undecided(reply) &&
           (contains(reply.text, "syntax error") || contains(reply.text, "number of arguments"));
  };
  abilities.dialect.set(Option::restore_replace, !refused(replies[0]));
  abilities.dialect.set(Option::restore_absttl, !refused(replies[1]));
  for (size_t i = 0; i < rdb_versions.size(); ++i) {
    const resp::Value& reply = replies[2 + i];
    abilities.loadable.set(rdb_versions[i],
                           undecided(reply) || contains(reply.text, "Bad data format"));
  }
}

std::string restore_probes(Bytes key) {
  std::string requests, payload;
  rdb::append_dump_payload(payload, no_type, "", rdb_versions.front());
  resp::append_command(requests, {"RESTORE", key, "0", payload, "REPLACE"});
  resp::append_command(requests, {"RESTORE", key, "0", payload, "ABSTTL"});
  for (const uint16_t version : rdb_versions) {
    payload.clear();
    rdb::append_dump_payload(payload, no_type, "", version);
    resp::append_command(requests, {"RESTORE", key, "0", payload});
  }
  return requests;
}

/// Before 7.0 COMMAND does not list subcommands, but XGROUP HELP does.
bool lists_create_consumer(const resp::Value& help) {
  return undecided(help) || std::ranges::any_of(help.items, [](const resp::Value& line) {
           return contains(line.text, "CREATECONSUMER");
         });
}

net::asio::awaitable<bool> selects(net::Client& client, uint32_t db) {
  std::vector<std::string> request{"SELECT", std::to_string(db)};
  co_return !(co_await client.command(std::move(request))).is_error();
}

/// How many databases there are, by SELECT: CONFIG may be hidden, and says nothing of clusters.
net::asio::awaitable<uint32_t> count_databases(net::Client& client) {
  uint32_t there = 0;  // this one can be selected
  uint32_t gone = 1;   // this one cannot
  while (gone < databases_max && co_await selects(client, gone)) {
    there = gone;
    gone *= 2;
  }
  while (gone - there > 1) {
    const uint32_t middle = there + (gone - there) / 2;
    (co_await selects(client, middle) ? there : gone) = middle;
  }
  co_await selects(client, 0);
  co_return there + 1;
}

}  // namespace

net::asio::awaitable<TargetAbilities> probe_abilities(net::Client& client, std::string key) {
  TargetAbilities abilities;
  std::string requests;
  resp::append_command(requests, {"COMMAND"});
  resp::append_command(requests, {"MODULE", "LIST"});
  resp::append_command(requests, {"XGROUP", "HELP"});
  for (const Probe& probe : probes) append_probe(requests, probe.request, key);
  requests += restore_probes(key);
  const size_t restores = 3 + probes.size();
  const size_t count = restores + 2 + rdb_versions.size();
  const auto replies = co_await client.pipeline(std::move(requests), count);
  learn_commands(abilities.dialect, replies[0]);
  abilities.modules = has_value_modules(replies[1]);
  for (size_t i = 0; i < probes.size(); ++i)
    abilities.dialect.set(probes[i].option,
                          !replies[3 + i].is_error() || undecided(replies[3 + i]));
  const commands::Dialect& dialect = abilities.dialect;
  // XSETID takes counters since the release in which groups have them.
  const Bytes xsetid[] = {"xsetid"};
  abilities.dialect.set(Option::stream_counters, dialect.takes(*commands::find(xsetid), 7));
  abilities.dialect.set(Option::create_consumer, lists_create_consumer(replies[2]));
  learn_restore(abilities, std::span(replies).subspan(restores));
  abilities.databases = co_await count_databases(client);
  co_return abilities;
}

bool has_value_modules(const resp::Value& list) {
  const auto is_engine = [](const resp::Value& module) {
    return module.items.size() >= 2 && module.items[1].text == "lua";
  };
  return !list.is_error() && !std::ranges::all_of(list.items, is_engine);
}

TargetAbilities common_abilities(const TargetAbilities& a, const TargetAbilities& b) {
  TargetAbilities both;
  both.dialect = commands::Dialect::common(a.dialect, b.dialect);
  both.loadable = a.loadable & b.loadable;
  both.databases = std::min(a.databases, b.databases);
  both.modules = a.modules && b.modules;
  return both;
}

std::string probe_key(Slot slot) {
  for (uint32_t i = 0;; ++i) {
    std::string key = fmt::format("lockstep:probe:{}", i);
    if (cluster::slot_of(key) == slot) return key;
  }
}

}  // namespace lockstep::engine
