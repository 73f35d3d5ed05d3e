#include <rapidcheck/gtest.h>

#include <fstream>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "verifier/glob.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

class ScopeOfACheck : public TwoSides {
 protected:
  VerifyReport check_only(ScopeOptions scope, ReadMode mode = ReadMode::snapshot) {
    VerifyOptions chosen = options();
    chosen.scope = std::move(scope);
    chosen.read = mode;
    return verify(chosen);
  }
  std::string write_file(const std::string& text) {
    const std::filesystem::path path = directory_.path() / "keys";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
};

/// What is outside is neither counted nor reported, whichever way both sides are read.
TEST_F(ScopeOfACheck, EveryFlagCutsAndSaysSo) {
  start();
  for (int i = 0; i < 300; ++i) on_both({"SET", "user:" + std::to_string(i), "v"});
  on_both({"SADD", "group", "a"});
  on_source({"SET", "user:1", "other"});
  on_source({"SET", "lonely", "x"});
  on_source({"SADD", "group", "b"});
  on_source({"SELECT", "3"});
  on_source({"SET", "user:7", "third"});
  const auto slot = std::to_string(cluster::slot_of("lonely").value);
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport all = check_only({}, mode);
    EXPECT_EQ(all.compared, 303u);
    EXPECT_EQ(found(all), "missing lonely, missing user:7:3, value group, value user:1");
    EXPECT_EQ(found(check_only({.db = {3}}, mode)), "missing user:7:3");
    const VerifyReport users = check_only({.match = "user:*"}, mode);
    EXPECT_EQ(found(users), "missing user:7:3, value user:1");
    EXPECT_EQ(users.compared, 301u);
    EXPECT_EQ(users.source.keys, 301u);
    EXPECT_EQ(users.target.keys, 300u);
    EXPECT_EQ(users.scopes, (std::vector<std::string>{"keys like user:*"}));
    const VerifyReport sets = check_only({.type = "set"}, mode);
    EXPECT_EQ(found(sets), "value group");
    EXPECT_EQ(sets.compared, 1u);
    EXPECT_EQ(found(check_only({.match = "l*", .slots = slot}, mode)), "missing lonely");
  }
}

TEST_F(ScopeOfACheck, PartsTogetherFindWhatTheWholeFinds) {
  start();
  for (int i = 0; i < 200; ++i) on_source({"SET", "k" + std::to_string(i), "v"});
  uint64_t compared = 0, missing = 0;
  for (const char* part : {"1/3", "2/3", "3/3"}) {
    const VerifyReport report = check_only({.part = part});
    compared += report.compared;
    missing += report.difference_count();
  }
  EXPECT_EQ(compared, 200u);
  EXPECT_EQ(missing, 200u);
}

TEST_F(ScopeOfACheck, ASampleSaysWhatItProves) {
  start();
  for (int i = 0; i < 1000; ++i) on_both({"SET", "k" + std::to_string(i), "v"});
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = check_only({.sample = "20%"}, mode);
    EXPECT_EQ(report.verdict, Verdict::equal);
    EXPECT_EQ(report.population, 1000u);
    EXPECT_GT(report.compared, 120u);
    EXPECT_LT(report.compared, 280u);
    EXPECT_EQ(report.differing_at_most, differing_at_most(1000, report.compared, 0));
  }
}

TEST_F(ScopeOfACheck, OnlyListedKeys) {
  start();
  for (int i = 0; i < 300; ++i) on_both({"SET", "k" + std::to_string(i), "v"});
  on_source({"SET", "k5", "other"});
  on_source({"SET", "k6", "other"});
  std::string text = "nowhere\n";
  for (int i = 0; i < 200; i += 5) text += "k" + std::to_string(i) + "\n";
  const VerifyReport report = check_only({.keys = write_file(text)});
  EXPECT_EQ(found(report), "value k5");
  EXPECT_EQ(report.compared, 40u);
  EXPECT_EQ(report.method, "listed keys");
  VerifyOptions whole = options();
  whole.report = directory_.path() / "out";
  verify(whole);
  EXPECT_EQ(found(check_only({.keys = whole.report / "diff.jsonl"})), "value k5, value k6");
  EXPECT_THROW(check_only({.keys = "/proc/nowhere"}), UserError);
}

/// A cluster's nodes without any of the slots are not even asked.
TEST_F(ScopeOfACheck, SlotsOfAClusterAgainstAStandalone) {
  start(fixtures::Topology::cluster, fixtures::Topology::standalone);
  uint64_t low = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "k" + std::to_string(i);
    ask(owner(*source_, key), {"SET", key, "v"});
    low += cluster::slot_of(key).value < 1000;
  }
  const VerifyReport report = check_only({.slots = "0-999"});
  EXPECT_EQ(report.compared, low);
  EXPECT_EQ(report.source.keys, low);
  EXPECT_EQ(report.counts[static_cast<size_t>(DiffClass::missing)], low);
}

/// The servers are the oracle of what a pattern means.
TEST_F(ScopeOfACheck, PatternsMeanWhatTheServerSays) {
  start();
  const std::vector<std::string> keys{"a",   "b", "ab", "a]",  "[",    "]",     "^",   "-",  "\\",
                                      "a-c", "*", "?",  "abc", "\xff", "\x80z", "[a]", "a\\"};
  for (const std::string& key : keys) on_source({"SET", key, "v"});
  const bool held = rc::check("glob_match() takes what SCAN takes", [&] {
    const auto pattern = *rc::gen::nonEmpty(
        rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab[]^-\\*?c\xff\x80"))));
    const resp::Value reply = ask(source(), {"SCAN", "0", "COUNT", "1000", "MATCH", pattern});
    std::set<std::string> theirs, ours;
    for (const resp::Value& key : reply.items[1].items) theirs.insert(key.text);
    for (const std::string& key : keys) {
      if (glob_match(pattern, key)) ours.insert(key);
    }
    RC_ASSERT(ours == theirs);
  });
  EXPECT_TRUE(held);
}

TEST_F(ScopeOfACheck, ARateHolds) {
  start();
  for (int i = 0; i < 600; ++i) on_both({"SET", "k" + std::to_string(i), "v"});
  VerifyOptions slow = options();
  slow.read = ReadMode::scan;
  slow.rate = 500;
  const VerifyReport report = verify(slow);
  EXPECT_EQ(report.verdict, Verdict::equal);
  EXPECT_GE(report.pass_time, milliseconds(1000));  // each key in an MGET counts
}

TEST_F(ScopeOfACheck, AScanWaitsWhileTheServerHasOtherWork) {
  start();
  const std::string fill = "for i = 1, 15000 do redis.call('SET', 'k' .. i, i) end";
  for (const net::Endpoint& side : {source(), target()}) ask(side, {"EVAL", fill, "0"});
  const auto waited = [](const VerifyReport& report) {
    return std::any_of(report.notes.begin(), report.notes.end(), [](const std::string& note) {
      return note.find("the source answered slower") != std::string::npos;
    });
  };
  // 60 ms of every 80 or so.
  const std::string spin =
      "local t = redis.call('TIME') local e = t[1] * 1000000 + t[2] + 60000 "
      "repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] > e";
  Writer busy({source()}, [&](int round) -> std::vector<Writer::Request> {
    if (round % 100 == 0) return {{0, {"EVAL", spin, "0"}}};
    return {{0, {"PING"}}};
  });
  const VerifyReport report = check(ReadMode::scan);
  EXPECT_EQ(report.verdict, Verdict::equal);
  EXPECT_TRUE(waited(report));
}

}  // namespace
}  // namespace lockstep::verifier
