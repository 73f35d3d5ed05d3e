// Classes beside those of keys and values: functions, keys of Lockstep's own, what is explained.

#include "verifier/merge.h"
#include "verifier/report_json.h"
#include "verifier/report_text.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

std::string library(const std::string& name, const std::string& result) {
  return "#!lua name=" + name + "\nredis.register_function('" + name + "', function() return " +
         result + " end)";
}

class Classes : public TwoSides {
 protected:
  void load(const net::Endpoint& server, const std::string& name, const std::string& result) {
    ask(server, {"FUNCTION", "LOAD", "REPLACE", library(name, result)});
  }
  /// From both sides' 200 keys of 20 kB the target evicts some; returns how many.
  uint64_t evict() {
    for (int i = 0; i < 200; ++i)
      on_both({"SET", "k" + std::to_string(i), std::string(20000, 'x')});
    on_target({"CONFIG", "SET", "maxmemory-policy", "allkeys-random"});
    on_target({"CONFIG", "SET", "maxmemory", "3mb"});
    on_target({"CONFIG", "SET", "maxmemory", "0"});
    while (ask(target(), {"DBSIZE"}).integer == 200) {
      on_target({"CONFIG", "SET", "maxmemory", "3mb"});
      on_target({"PING"});
    }
    on_target({"CONFIG", "SET", "maxmemory", "0"});
    return 200 - static_cast<uint64_t>(ask(target(), {"DBSIZE"}).integer);
  }
  bool knows_functions() const {
    return source_->options().spec.commands >= 700 && target_->options().spec.commands >= 700;
  }
};

TEST_F(Classes, FunctionsOnEveryPrimary) {
  start(Topology::standalone, Topology::cluster);
  if (!knows_functions()) GTEST_SKIP() << "these servers know no functions";
  load(source(), "same", "1");
  load(source(), "other", "1");
  load(source(), "missing", "1");
  for (fixtures::Server* server : target_->primaries()) {
    load(server->endpoint(), "same", "1");
    load(server->endpoint(), "other", "1");
    load(server->endpoint(), "missing", "1");
  }
  const VerifyReport equal = check();
  EXPECT_EQ(equal.verdict, Verdict::equal) << found(equal);
  EXPECT_EQ(equal.libraries_compared, 3u);
  load(target_->primaries()[1]->endpoint(), "other", "2");
  ask(target_->primaries()[2]->endpoint(), {"FUNCTION", "DELETE", "missing"});
  load(target_->primaries()[0]->endpoint(), "extra", "1");
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan})
    EXPECT_EQ(found(check(mode)), "function extra, function missing, function other");
  VerifyOptions without = options();
  without.functions = false;
  EXPECT_EQ(verify(without).verdict, Verdict::equal);
  EXPECT_NE(report_text(verify(without), "").find("functions and cached scripts"),
            std::string::npos);
  VerifyOptions some = options();
  some.scope.match = "k*";
  EXPECT_EQ(verify(some).verdict, Verdict::equal);
}

TEST_F(Classes, WithoutThePermissionThereIsNoVerdictUnlessAskedFor) {
  start();
  if (!knows_functions()) GTEST_SKIP() << "these servers know no functions";
  on_target({"ACL", "SETUSER", "reader", "on", ">x", "~*", "+@all", "-function"});
  VerifyOptions changed = options();
  changed.to = {"redis://reader:x@" + target().label()};
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::unknown);
  EXPECT_NE(report.problem.find("+function|list"), std::string::npos) << report.problem;
  changed.functions = false;
  EXPECT_EQ(verify(changed).verdict, Verdict::equal);
}

TEST_F(Classes, KeysOfOurOwnAreCountedAndNotCompared) {
  start();
  on_both({"SET", "k", "v"});
  on_source({"SET", "DTS_REDIS_TIMESTAMP_HEARTBEAT", "1"});
  on_source({"SET", "lockstep:swapdb:x:1", "1"});
  on_target({"SET", "lockstep:swapdb:y:2", "1"});
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = check(mode);
    EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    EXPECT_EQ(report.compared, 1u);
    EXPECT_EQ(report.source.own_keys, 2u);
    EXPECT_EQ(report.target.own_keys, 1u);
  }
}

TEST_F(Classes, WhatTheTargetsVersionCannotHoldIsExplained) {
  for (const char* name : {"oldest", "newest"})
    if (!fixtures::locate(fixtures::find_server(name))) GTEST_SKIP() << name << " is not here";
  setenv("LOCKSTEP_TEST_SOURCE", "newest", 1);
  setenv("LOCKSTEP_TEST_TARGET", "oldest", 1);
  start();
  unsetenv("LOCKSTEP_TEST_SOURCE");
  unsetenv("LOCKSTEP_TEST_TARGET");
  on_source({"XADD", "stream", "1-1", "f", "v"});
  on_source({"HSET", "fields", "f", "v"});
  on_source({"HEXPIRE", "fields", "1000", "FIELDS", "1", "f"});
  on_source({"HSET", "hash", "f", "v"});
  on_source({"SET", "string", "v"});
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = check(mode);
    EXPECT_EQ(report.verdict, Verdict::different);
    EXPECT_EQ(report.counts[static_cast<size_t>(DiffClass::missing)], 4u) << found(report);
    EXPECT_EQ(report.explained[static_cast<size_t>(Explained::unsupported)], 2u) << found(report);
    for (const Difference& difference : report.differences) {
      const bool cannot = difference.key == "stream" || difference.key == "fields";
      EXPECT_EQ(difference.explained == Explained::unsupported, cannot) << difference.key;
    }
  }
}

TEST_F(Classes, WhatTheTargetHasEvictedIsExplained) {
  start();
  const uint64_t evicted = evict();
  for (int i = 0; i < 5; ++i) on_source({"SET", "lost" + std::to_string(i), "v"});
  const VerifyReport report = check();
  const uint64_t missing = report.counts[static_cast<size_t>(DiffClass::missing)];
  EXPECT_EQ(report.verdict, Verdict::different);
  EXPECT_EQ(missing, evicted + 5);
  EXPECT_EQ(report.explained[static_cast<size_t>(Explained::evicted)], evicted);
  const std::string text = report_text(report, "");
  EXPECT_NE(text.find("evicted by the target"), std::string::npos) << text;
  EXPECT_NE(text.find("maxmemory-policy allkeys-random"), std::string::npos) << text;
}

/// Each part may explain its own by all of them, the whole each key once.
TEST_F(Classes, PartsTogetherExplainNoMoreThanWasEvicted) {
  start();
  const uint64_t evicted = evict();
  for (int i = 0; i < 20; ++i) on_source({"SET", "lost" + std::to_string(i), "v"});
  uint64_t of_parts = 0;
  std::vector<std::filesystem::path> paths;
  for (const std::string part : {"1/2", "2/2"}) {
    VerifyOptions how = options();
    how.scope.part = part;
    how.report = directory_.path() / ("part" + part.substr(0, 1));
    paths.push_back(how.report);
    of_parts += verify(how).explained[static_cast<size_t>(Explained::evicted)];
  }
  EXPECT_EQ(of_parts, evicted + 20);
  const VerifyReport whole = merge_files(paths, directory_.path() / "whole", 20);
  EXPECT_EQ(whole.counts[static_cast<size_t>(DiffClass::missing)], evicted + 20);
  EXPECT_EQ(whole.explained[static_cast<size_t>(Explained::evicted)], evicted);
  ASSERT_EQ(whole.target.evictions.size(), 1u);
  EXPECT_EQ(whole.target.evictions[0].evicted, evicted);
}

}  // namespace
}  // namespace lockstep::verifier
