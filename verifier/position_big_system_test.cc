// Values that are too big to be held, at a position, while they and others are written.

#include <algorithm>
#include <fstream>
#include <random>

#include "fixtures/run_files.h"
#include "verifier/test_sync.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

/// The most that this process has held, in bytes, since forget_memory_peak().
uint64_t memory_peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) << 10;
  }
  return 0;
}
void forget_memory_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

class PositionOfBigValues : public TwoSidesAndEngine {
 protected:
  /// Each of about 25 MB.
  void fill_source() {
    const auto run = [&](const std::string& key, const std::string& body) {
      on_source({"EVAL", "for i = 1, 60000 do " + body + " end", "1", key});
    };
    run("list", "redis.call('RPUSH', KEYS[1], string.rep('x', 400) .. i)");
    run("set", "redis.call('SADD', KEYS[1], string.rep('x', 400) .. i)");
    run("hash", "redis.call('HSET', KEYS[1], 'field ' .. i, string.rep('x', 400) .. i)");
    run("zset", "redis.call('ZADD', KEYS[1], i / 7, string.rep('x', 400) .. i)");
    run("stream", "redis.call('XADD', KEYS[1], i .. '-1', 'field', string.rep('x', 400) .. i)");
    run("string", "redis.call('APPEND', KEYS[1], string.rep('x', 400) .. i)");
    on_source({"PEXPIREAT", "zset", "4000000000000"});
  }
  VerifyOptions options_of(ReadMode mode) const {
    VerifyOptions how = options_with(CutMode::position);
    how.read = mode;
    return how;
  }
  /// Only this key, by name.
  VerifyOptions options_of(const std::string& key) const {
    VerifyOptions how = options_with(CutMode::position);
    how.functions = false;
    how.scope.keys = (directory_.path() / "names").string();
    fixtures::write_text(how.scope.keys, key + "\n");
    return how;
  }
  /// Writes this all the time; `round` stands for a number that grows.
  std::unique_ptr<Writer> keep_writing(const Words& words) {
    return std::make_unique<Writer>(std::vector<net::Endpoint>{source()}, [words](int round) {
      Words all = words;
      for (std::string& word : all) {
        if (word == "round") word = std::to_string(round);
      }
      return std::vector<Writer::Request>{{0, all}};
    });
  }
  static std::string detail(const VerifyReport& report, const std::string& key) {
    for (const Difference& each : report.differences) {
      if (each.key == key) return each.detail;
    }
    return "not reported";
  }
  static void expect_at_position(const VerifyReport& report) {
    EXPECT_EQ(report.cut, "position") << report.problem;
    EXPECT_EQ(report.unverifiable_count, 0u)
        << (report.unverifiable.empty() ? "" : report.unverifiable[0].reason);
    EXPECT_EQ(report.flapping, 0u);
    ASSERT_TRUE(report.engine);
    EXPECT_LT(report.engine->hold_longest, report.engine->hold_max);
  }
};

/// Read in pieces while the engine goes on, and told where they differ.
TEST_F(PositionOfBigValues, WhileOtherKeysAreWritten) {
  start();
  fill_source();
  start_engine();
  await_caught_up();
  const auto writer = write();
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = verify(options_of(mode));
    EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    expect_at_position(report);
  }
  std::string member(400, 'x');
  member += "41000";
  on_target({"LSET", "list", "30000", "other"});
  on_target({"SREM", "set", member});
  on_target({"HSET", "hash", "field 41000", "other"});
  on_target({"PERSIST", "zset"});
  on_target({"SETRANGE", "string", "5000000", "?"});
  on_target({"XDEL", "stream", "41000-1"});
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = verify(options_of(mode));
    EXPECT_EQ(found(report),
              "expiry zset, value hash, value list, value set, value stream, value string");
    expect_at_position(report);
    EXPECT_NE(detail(report, "list").find("counted from element 29696: element 304:"),
              std::string::npos)
        << detail(report, "list");
    EXPECT_NE(detail(report, "hash").find("field \"field 41000\""), std::string::npos)
        << detail(report, "hash");
    EXPECT_NE(detail(report, "stream").find("entry 40999: source 41000-1, target 41001-1"),
              std::string::npos)
        << detail(report, "stream");
    EXPECT_NE(detail(report, "string").find("counted from byte 4194304: byte 805696:"),
              std::string::npos)
        << detail(report, "string");
  }
  EXPECT_FALSE(engine_status()["held"]);
}

TEST_F(PositionOfBigValues, FromAClusterIntoACluster) {
  start(Topology::cluster, Topology::cluster);
  const std::string body =
      "for i = 1, 60000 do redis.call('RPUSH', KEYS[1], string.rep('x', 400) .. i) end";
  for (const char* key : {"same", "other", "busy"})
    ask(owner(*source_, key), {"EVAL", body, "1", key});
  start_engine();
  await_caught_up();
  ask(owner(*target_, "other"), {"LSET", "other", "30000", "other"});
  const auto load = write();
  const Writer busy({owner(*source_, "busy")}, [](int round) -> std::vector<Writer::Request> {
    return {{0, {"LSET", "busy", "7", std::to_string(round)}}};
  });
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    const VerifyReport report = verify(options_of(mode));
    EXPECT_EQ(found(report), "value other");
    expect_at_position(report);
  }
}

/// No reading in pieces sees them as they were at one moment.
TEST_F(PositionOfBigValues, WhileTheyAreWrittenThemselves) {
  start();
  fill_source();
  start_engine();
  await_caught_up();
  const std::vector<Words> writes = {
      {"LSET", "list", "7", "round"},         {"HSET", "hash", "field", "round"},
      {"SETRANGE", "string", "100", "round"}, {"SADD", "set", "round"},
      {"ZADD", "zset", "round", "member"},    {"XADD", "stream", "*", "field", "round"}};
  for (const Words& each : writes) {
    const auto writer = keep_writing(each);
    const std::string key = each[1];
    const VerifyReport equal = verify(options_of(key));
    EXPECT_EQ(equal.verdict, Verdict::equal) << key << ": " << found(equal);
    expect_at_position(equal);
  }
  on_target({"LSET", "list", "30000", "other"});
  on_target({"HSET", "hash", "field 41000", "other"});
  for (const size_t i : {0, 1}) {
    const auto writer = keep_writing(writes[i]);
    const std::string key = writes[i][1];
    const VerifyReport different = verify(options_of(key));
    EXPECT_EQ(found(different), "value " + key);
    expect_at_position(different);
  }
}

/// What is held of it does not depend on its size.
TEST_F(PositionOfBigValues, MemoryIsBounded) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps memory that was freed";
#endif
  start();
  on_source({"CONFIG", "SET", "rdbcompression", "no"});  // which would make zeros vanish
  on_target({"CONFIG", "SET", "rdbcompression", "no"});
  on_source({"SETRANGE", "string", "150000000", "x"});
  start_engine();
  await_caught_up();
  forget_memory_peak();
  const uint64_t before = memory_peak();
  EXPECT_EQ(verify(options_of("string")).verdict, Verdict::equal);
  const auto writer = keep_writing({"SETRANGE", "string", "100", "round"});
  EXPECT_EQ(verify(options_of("string")).verdict, Verdict::equal);
  EXPECT_EQ(verify(options_of(ReadMode::snapshot)).verdict, Verdict::equal);
  EXPECT_LT(memory_peak() - before, 100u << 20);
}

/// The servers need longer for its payloads, which do not become smaller, than the hold may last.
TEST_F(PositionOfBigValues, AHoldThatIsTooShortIsSaid) {
  start();
  std::string noise(1 << 20, 0);
  std::mt19937 random;
  std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
  for (int i = 0; i < 150; ++i) on_source({"APPEND", "string", noise});
  start_engine();
  await_caught_up();
  const auto writer = keep_writing({"SETRANGE", "string", "100", "round"});
  VerifyOptions how = options_of("string");
  how.max_hold = milliseconds(300);
  const VerifyReport report = verify(how);
  EXPECT_EQ(report.verdict, Verdict::unknown);
  EXPECT_EQ(report.cut, "position") << report.problem;
  ASSERT_EQ(report.unverifiable_count, 1u) << report.problem;
  EXPECT_NE(report.unverifiable[0].reason.find("--max-hold"), std::string::npos)
      << report.unverifiable[0].reason;
}

}  // namespace
}  // namespace lockstep::verifier
