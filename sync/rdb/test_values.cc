#include "sync/rdb/test_values.h"

#include <iterator>

namespace lockstep::rdb {
namespace {

size_t below(Random& random, size_t limit) { return random() % limit; }

/// Texts that make every encoding: small and large integers, short, long, binary, compressible.
std::string some_text(Random& random) {
  switch (below(random, 8)) {
    case 0:
      return std::to_string(below(random, 128));
    case 1:
      return std::to_string(static_cast<int64_t>(random()) >> below(random, 64));
    case 2:
      return "";
    case 3:
      return std::string(below(random, 300), static_cast<char>('a' + below(random, 26)));
    case 4:
      return "-0" + std::to_string(below(random, 10));
    case 5: {
      std::string binary;
      for (size_t left = below(random, 90); left > 0; --left)
        binary.push_back(static_cast<char>(random()));
      return binary;
    }
    case 6:
      return std::string(1 + below(random, 20000), 'x') + std::to_string(random());
    default:
      return "value:" + std::to_string(random() % 5000);
  }
}

std::string some_score(Random& random) {
  static const char* const odd[] = {"0", "-0", "inf", "-inf", "1e300", "-1.5", "3.14159265358979"};
  if (below(random, 3) == 0) return odd[below(random, std::size(odd))];
  return std::to_string(static_cast<int64_t>(random()) >> below(random, 64));
}

void fill_streams(TestServer& server, Random& random, const std::string& key, size_t entries) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < entries; ++i) {
    std::vector<std::string> args = {"XADD", key, "*"};
    const bool other_fields = below(random, 4) == 0;
    for (size_t f = 0; f < 2 + (other_fields ? below(random, 3) : 0); ++f) {
      args.push_back(other_fields ? some_text(random) : std::to_string(f));
      args.push_back(some_text(random));
    }
    ids.push_back(server.ask(args).text);
  }
  for (const char* group : {"workers", "idle"}) server.call({"XGROUP", "CREATE", key, group, "0"});
  for (const char* consumer : {"anna", "berta", "anna"})
    server.call({"XREADGROUP", "GROUP", "workers", consumer, "COUNT", "7", "STREAMS", key, ">"});
  if (entries > 5) server.call({"XACK", key, "workers", ids[1]});
  for (size_t i = 20; i < entries; i += 9) server.call({"XDEL", key, ids[i]});
}

}  // namespace

void fill(TestServer& server, Random& random) {
  for (const size_t size : {1, 3, 20, 130, 700}) {
    const std::string n = std::to_string(size);
    for (size_t i = 0; i < 12; ++i)
      server.call({"SET", "s" + n + std::to_string(i), some_text(random)});
    for (size_t i = 0; i < size; ++i) {
      server.call({"RPUSH", "l" + n, some_text(random)});
      server.call({"SADD", "set" + n, some_text(random)});
      server.call({"SADD", "ints" + n,
                   std::to_string(static_cast<int64_t>(random()) >> (size > 20 ? 0 : 50))});
      server.call({"SADD", "words" + n, "w" + std::to_string(random() % 100000)});
      server.call({"HSET", "h" + n, some_text(random), some_text(random)});
      server.call({"HSET", "hs" + n, std::to_string(i), std::to_string(random() % 70000)});
      server.call({"ZADD", "z" + n, some_score(random), some_text(random)});
      server.call({"ZADD", "zs" + n, some_score(random), std::to_string(i)});
    }
    server.call({"PFADD", "hll" + n, n, "a", "b"});
    server.call({"PEXPIREAT", "l" + n, "4000000000123"});
    if (server.version() / 10000 >= 5) fill_streams(server, random, "x" + n, size);
  }
  if (server.version() / 10000 >= 5) {
    server.call({"XADD", "xempty", "5-1", "a", "b"});
    server.call({"XDEL", "xempty", "5-1"});
  }
}

bool fill_expiring(TestServer& server, Random& random) {
  for (const size_t size : {2, 40, 900}) {
    const std::string key = "he" + std::to_string(size);
    for (size_t i = 0; i < size; ++i) {
      const std::string field = "f" + std::to_string(i);
      server.call({"HSET", key, field, some_text(random)});
      if (i % 2 == 0) continue;
      const std::string at = std::to_string(4000000000000 + random() % 1000000);
      if (server.ask({"HPEXPIREAT", key, at, "FIELDS", "1", field}).is_error())
        return server.ask({"DEL", key}), false;
    }
  }
  return true;
}

std::vector<std::string> keys_of(TestServer& server) {
  std::vector<std::string> keys;
  for (const auto& item : server.call({"KEYS", "*"}).items) keys.push_back(item.text);
  return keys;
}

}  // namespace lockstep::rdb
