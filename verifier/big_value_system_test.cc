#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

/// Each too big for one DUMP.
class BigValues : public TwoSides {
 protected:
  void fill(const net::Endpoint& endpoint) {
    const auto run = [&](const std::string& key, const std::string& body) {
      ask(endpoint, {"EVAL", "for i = 1, 60000 do " + body + " end", "1", key});
    };
    run("list", "redis.call('RPUSH', KEYS[1], string.rep('x', 100) .. i)");
    run("set", "redis.call('SADD', KEYS[1], string.rep('x', 100) .. i)");
    run("hash", "redis.call('HSET', KEYS[1], 'field ' .. i, string.rep('x', 100) .. i)");
    run("zset", "redis.call('ZADD', KEYS[1], i / 7, string.rep('x', 100) .. i)");
    run("stream", "redis.call('XADD', KEYS[1], i .. '-1', 'field', string.rep('x', 100) .. i)");
    run("string", "redis.call('APPEND', KEYS[1], string.rep('x', 100) .. i)");
    ask(endpoint, {"SET", "small", "v"});
    ask(endpoint, {"PEXPIREAT", "hash", "4000000000123"});
  }

  static std::string detail(const VerifyReport& report, const std::string& key) {
    for (const Difference& each : report.differences) {
      if (each.key == key) return each.detail;
    }
    return "not reported";
  }
};

TEST_F(BigValues, EqualOnesAreEqual) {
  start();
  fill(source());
  fill(target());
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = check(mode);
    EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    EXPECT_EQ(report.compared, 7u);
    EXPECT_EQ(report.candidates, 0u);
  }
}

TEST_F(BigValues, WhatDiffersIsFoundAndLocated) {
  start();
  fill(source());
  fill(target());
  std::string member(100, 'x');
  member += "41000";
  on_target({"LSET", "list", "30000", "other"});
  on_target({"SREM", "set", member});
  on_target({"HSET", "hash", "field 41000", "other"});
  on_target({"ZADD", "zset", "5", member});
  on_target({"SETRANGE", "string", "5000000", "?"});
  on_target({"XDEL", "stream", "41000-1"});
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = check(mode);
    EXPECT_EQ(found(report),
              "value hash, value list, value set, value stream, value string, value zset");
    EXPECT_NE(detail(report, "list").find("counted from element 29696: element 304:"),
              std::string::npos)
        << detail(report, "list");
    EXPECT_NE(detail(report, "hash").find("field \"field 41000\""), std::string::npos)
        << detail(report, "hash");
    EXPECT_NE(detail(report, "set").find("only in the source"), std::string::npos);
    EXPECT_NE(detail(report, "zset").find("target 5"), std::string::npos);
    EXPECT_NE(detail(report, "string").find("counted from byte 4194304: byte 805696:"),
              std::string::npos)
        << detail(report, "string");
  }
}

TEST_F(BigValues, AbsentOnOneSideOfAnotherTypeOrOfAnotherExpiry) {
  start();
  fill(source());
  fill(target());
  on_target({"DEL", "list"});
  on_target({"DEL", "set"});
  on_target({"SET", "set", "v"});
  on_target({"PEXPIREAT", "hash", "4000000009999"});
  on_source({"DEL", "zset"});
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan})
    EXPECT_EQ(found(check(mode)), "expiry hash, extra zset, missing list, type set");
}

}  // namespace
}  // namespace lockstep::verifier
