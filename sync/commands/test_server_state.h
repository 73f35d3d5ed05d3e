#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "fixtures/test_server.h"

namespace lockstep::commands {

using fixtures::TestServer;

/// A reply as text, nested ones in brackets.
inline std::string text_of(const resp::Value& value) {
  if (value.type == resp::Type::integer) return std::to_string(value.integer);
  if (value.items.empty()) return value.text;
  std::string text = "[";
  for (const resp::Value& item : value.items) text += text_of(item) + " ";
  return text + "]";
}

/// The same for a set, or for pairs of a map, whose order means nothing.
inline std::string unordered(const resp::Value& value, size_t step) {
  std::vector<std::string> parts;
  for (size_t i = 0; i + step <= value.items.size(); i += step) {
    std::string part = text_of(value.items[i]);
    if (step == 2) part += "=" + text_of(value.items[i + 1]);
    parts.push_back(part);
  }
  std::ranges::sort(parts);
  std::string text;
  for (const std::string& part : parts) text += part + " ";
  return text;
}

/// Some fields of an XINFO reply.
inline std::string fields(const resp::Value& info, const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i + 1 < info.items.size(); i += 2) {
    if (std::ranges::find(names, info.items[i].text) == names.end()) continue;
    text += info.items[i].text + "=" + text_of(info.items[i + 1]) + " ";
  }
  return text;
}

/// Entries, ids, groups, consumers and pending entries; not when somebody was last seen.
inline std::string stream_state(TestServer& server, const std::string& key) {
  std::string text = text_of(server.ask({"XRANGE", key, "-", "+"}));
  text += fields(server.ask({"XINFO", "STREAM", key}),
                 {"last-generated-id", "max-deleted-entry-id", "entries-added"});
  for (const resp::Value& group : server.ask({"XINFO", "GROUPS", key}).items) {
    text += fields(group, {"name", "pending", "last-delivered-id", "entries-read"});
    const std::string name = group.items.at(1).text;
    text += text_of(server.ask({"XPENDING", key, name}));
    for (const resp::Value& consumer : server.ask({"XINFO", "CONSUMERS", key, name}).items) {
      text += fields(consumer, {"name", "pending"});
    }
  }
  return text;
}

inline std::string value_state(TestServer& server, const std::string& key,
                               const std::string& type) {
  if (type == "string") return server.ask({"GET", key}).text;
  if (type == "list") return text_of(server.ask({"LRANGE", key, "0", "-1"}));
  if (type == "set") return unordered(server.ask({"SMEMBERS", key}), 1);
  if (type == "zset") return text_of(server.ask({"ZRANGE", key, "0", "-1", "WITHSCORES"}));
  if (type == "stream") return stream_state(server, key);
  const auto field_expiries = server.ask({"HPEXPIRETIME", key, "FIELDS", "3", "a", "b", "c"});
  return unordered(server.ask({"HGETALL", key}), 2) +
         (field_expiries.is_error() ? "" : text_of(field_expiries));
}

/// The expiry in units of about three hours: tests use times much further apart, and old servers
/// can only tell what is left.
inline std::string expiry_state(TestServer& server, const std::string& key) {
  const int64_t left = server.ask({"PTTL", key}).integer;
  return left < 0 ? "never" : std::to_string((left + 5000000) / 10000000);
}

/// Everything in the database that is state, as text; DEBUG DIGEST, where allowed, says the same in
/// a way that does not depend on this code.
inline std::string server_state(TestServer& server) {
  std::map<std::string, std::string> keys;
  for (const resp::Value& key : server.ask({"KEYS", "*"}).items) {
    const std::string type = server.ask({"TYPE", key.text}).text;
    keys[key.text] =
        type + " " + value_state(server, key.text, type) + expiry_state(server, key.text);
  }
  std::string text;
  for (const auto& [key, state] : keys) text += key + ": " + state + "\n";
  const resp::Value digest = server.ask({"DEBUG", "DIGEST"});
  return digest.is_error() ? text : text + digest.text;
}

}  // namespace lockstep::commands
