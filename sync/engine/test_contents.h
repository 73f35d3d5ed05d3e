#pragma once

// For tests: what two servers of different versions hold, in words that both have.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "fixtures/test_server.h"
#include "sync/commands/test_server_state.h"

namespace lockstep::engine {

using fixtures::TestServer;
using Names = std::set<std::string>;

inline bool knows(TestServer& server, const std::string& command) {
  const std::string error = server.ask({command}).text;
  return error.find("unknown command") == std::string::npos;
}

/// A hash with the expiries of its fields.
inline std::string hash_state(TestServer& server, const std::string& key, bool& field_expiry) {
  std::map<std::string, std::string> fields;
  const resp::Value pairs = server.ask({"HGETALL", key});
  for (size_t i = 0; i + 1 < pairs.items.size(); i += 2) {
    const std::string& field = pairs.items[i].text;
    const resp::Value at = server.ask({"HPEXPIRETIME", key, "FIELDS", "1", field});
    const int64_t ms = at.is_error() || at.items.empty() ? -1 : at.items[0].integer;
    field_expiry = field_expiry || ms > 0;
    fields[field] = pairs.items[i + 1].text + (ms > 0 ? "@" + std::to_string(ms / 10000000) : "");
  }
  std::string text;
  for (const auto& [field, value] : fields) text += field + "=" + value + " ";
  return text;
}

/// Without the counters, which servers before 7.0 do not have.
inline std::string stream_state(TestServer& server, const std::string& key) {
  using commands::text_of;
  std::string text = text_of(server.ask({"XRANGE", key, "-", "+"}));
  text += commands::fields(server.ask({"XINFO", "STREAM", key}), {"last-generated-id"});
  for (const resp::Value& group : server.ask({"XINFO", "GROUPS", key}).items) {
    text += commands::fields(group, {"name", "pending", "last-delivered-id"});
    const std::string name = group.items.at(1).text;
    for (const resp::Value& entry : server.ask({"XPENDING", key, name, "-", "+", "100"}).items)
      text += text_of(entry.items.at(0)) + text_of(entry.items.at(1)) + text_of(entry.items.at(3));
    std::set<std::string> consumers;
    for (const resp::Value& consumer : server.ask({"XINFO", "CONSUMERS", key, name}).items)
      consumers.insert(commands::fields(consumer, {"name", "pending"}));
    for (const std::string& consumer : consumers) text += consumer;
  }
  return text;
}

/// Servers print scores in more than one way.
inline std::string zset_state(TestServer& server, const std::string& key) {
  std::string text;
  const resp::Value members = server.ask({"ZRANGE", key, "0", "-1", "WITHSCORES"});
  for (size_t i = 0; i + 1 < members.items.size(); i += 2)
    text += fmt::format("{} {:.17g} ", members.items[i].text, std::stod(members.items[i + 1].text));
  return text;
}

struct KeyState {
  std::string type;
  std::string value;
  bool field_expiry = false;
};

/// All keys of the databases 0 and 1, by "database key".
inline std::map<std::string, KeyState> contents(TestServer& server) {
  std::map<std::string, KeyState> keys;
  for (const std::string db : {"1", "0"}) {
    server.call({"SELECT", db});
    for (const resp::Value& key : server.ask({"KEYS", "*"}).items) {
      KeyState state{.type = server.ask({"TYPE", key.text}).text, .value = {}};
      if (state.type == "hash")
        state.value = hash_state(server, key.text, state.field_expiry);
      else if (state.type == "stream")
        state.value = stream_state(server, key.text);
      else if (state.type == "zset")
        state.value = zset_state(server, key.text);
      else
        state.value = commands::value_state(server, key.text, state.type);
      // Versions differ in when registers are dense.
      if (state.value.starts_with("HYLL"))
        state.value = std::to_string(server.ask({"PFCOUNT", key.text}).integer);
      state.value += " " + commands::expiry_state(server, key.text);
      keys[db + " " + key.text] = state;
    }
  }
  return keys;
}

/// The keys that the engine has listed in its file.
inline Names listed_in(const std::string& path) {
  Names keys;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    keys.insert(std::to_string(json["db"].get<int>()) + " " + json["key"].get<std::string>());
  }
  return keys;
}

/// The target holds what the source does, but for what it cannot hold, which is what `listed` has.
inline void expect_same(TestServer& source, TestServer& target, const Names& listed) {
  const bool streams = knows(target, "XLEN"), field_expiry = knows(target, "HPEXPIREAT");
  // An older VADD does not load all of a newer one's values.
  const bool vectors = knows(target, "VADD");
  auto expected = contents(source), found = contents(target);
  Names left_out;
  for (const auto& [key, state] : expected) {
    const bool cannot = (state.type == "stream" && !streams) ||
                        (state.type == "vectorset" && (!vectors || listed.contains(key))) ||
                        (state.field_expiry && !field_expiry);
    if (cannot) left_out.insert(key);
    EXPECT_EQ(found.contains(key), !cannot) << key << ": " << state.value;
    if (!found.contains(key)) continue;
    EXPECT_EQ(found[key].type, state.type) << key;
    EXPECT_EQ(found[key].value, state.value) << key;
  }
  for (const auto& [key, state] : found) EXPECT_TRUE(expected.contains(key)) << key;
  EXPECT_EQ(listed, left_out);
}

}  // namespace lockstep::engine
