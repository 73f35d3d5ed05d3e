// Repair while an engine feeds the target and clients write to the source.

#include "verifier/repair.h"
#include "verifier/test_sync.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

/// Lists that grow by elements which are there once each, and numbers that grow by one.
std::vector<Writer::Request> growing(int round) {
  const std::string n = std::to_string(round % 40);
  return {{0, {"RPUSH", "list" + n, "e" + std::to_string(round)}},
          {0, {"INCR", "count" + n}},
          {0, {"HINCRBY", "hash" + n, "f", "1"}}};
}

class RepairHeld : public TwoSidesAndEngine {
 protected:
  VerifyReport repair() {
    VerifyOptions changed = options_with(CutMode::position);
    changed.report = directory_.path() / "out";
    return verify_and_repair(changed, {});
  }
  /// Damages a few of the keys that are written all the time, and some that are not.
  void damage(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string n = std::to_string(i);
      const auto there = [&](const Words& words) { ask(owner(*target_, words[1]), words); };
      there({"LPUSH", "list" + n, "planted"});
      there({"SET", "count" + n, "-1000000"});
      there({"DEL", "hash" + n});
      there({"SET", "extra" + n, "x"});
      there({"DEL", "still" + n});
    }
  }
  void expect_mended_under_load() {
    for (int i = 0; i < 10; ++i) on_source({"RPUSH", "still" + std::to_string(i), "a", "b"});
    start_engine();
    {
      const Writer writer({source()}, growing);
      await_key(source(), "hash39");
      await_caught_up();
      damage(10);
      const VerifyReport report = repair();
      ASSERT_TRUE(report.repair) << found(report);
      EXPECT_EQ(report.repair->problem, "");
      EXPECT_GE(report.repair->written, 40u);
      EXPECT_EQ(report.repair->removed, 10u);
      EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    }
    await_caught_up();
    const VerifyReport quiet = verify(options_with(CutMode::quiesced));
    EXPECT_EQ(quiet.verdict, Verdict::equal) << found(quiet);
    expect_lists_whole();
  }
  /// No element is lost or doubled.
  void expect_lists_whole() {
    for (int i = 0; i < 40; ++i) {
      const std::string key = "list" + std::to_string(i);
      const resp::Value there = ask(source(), {"LRANGE", key, "0", "-1"});
      const resp::Value here = ask(owner(*target_, key), {"LRANGE", key, "0", "-1"});
      ASSERT_EQ(there.items.size(), here.items.size()) << key;
      for (size_t at = 0; at < there.items.size(); ++at)
        ASSERT_EQ(there.items[at].text, here.items[at].text) << key << " " << at;
    }
  }
};

TEST_F(RepairHeld, StandaloneUnderLoad) {
  start();
  expect_mended_under_load();
}

TEST_F(RepairHeld, IntoAClusterUnderLoad) {
  start(Topology::standalone, Topology::cluster);
  expect_mended_under_load();
}

}  // namespace
}  // namespace lockstep::verifier
