// Cuts at a position where no snapshot may be taken: every key is read in a hold.

#include "fixtures/run_files.h"
#include "verifier/test_sync.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

class PositionByScan : public TwoSidesAndEngine {};

/// Every key in a hold, where no snapshot may be taken.
TEST_F(PositionByScan, UnderLoadIsEqual) {
  start(Topology::standalone, Topology::cluster);
  fill(300);
  start_engine();
  const auto writer = write();
  VerifyOptions changed = options_with(CutMode::position);
  changed.read = ReadMode::scan;
  for (int i = 0; i < 2; ++i) {
    const VerifyReport report = verify(changed);
    EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    EXPECT_EQ(report.cut, "position");
    EXPECT_EQ(report.method, "scan");
    EXPECT_GE(report.compared, 300u);
    EXPECT_GT(report.engine->holds, 1u);
    EXPECT_LT(report.engine->hold_longest, report.engine->hold_max);
  }
  EXPECT_FALSE(engine_status()["held"]);
}

TEST_F(PositionByScan, PlantedDifferencesUnderLoadAreFound) {
  start();
  fill(50);
  on_source({"SET", "lasting", "v"});
  on_source({"PEXPIREAT", "lasting", "4000000000000"});
  on_source({"SELECT", "3"});
  on_source({"SET", "third", "v"});
  on_source({"SELECT", "0"});
  start_engine();
  const auto writer = write();
  on_target({"DEL", "still3"});
  on_target({"LSET", "still4", "1", "other"});
  on_target({"SET", "more", "x"});
  on_target({"PERSIST", "lasting"});
  on_target({"DEL", "still5"});
  on_target({"SADD", "still5", "a"});
  on_target({"SELECT", "3"});
  on_target({"SET", "third", "w"});
  on_target({"SELECT", "0"});
  on_source({"ACL", "SETUSER", "reader", "on", ">x", "~*", "+@all", "-psync", "-replconf"});
  VerifyOptions changed = options_with(CutMode::position);
  changed.from = {"redis://reader:x@" + source().label()};
  const VerifyReport report = verify(changed);
  EXPECT_EQ(found(report),
            "expiry lasting, extra more, missing still3, type still5, value still4, value third:3");
  EXPECT_EQ(report.cut, "position");
  EXPECT_EQ(report.method, "scan");
  VerifyOptions sets = changed;
  sets.scope.type = "set";
  EXPECT_EQ(found(verify(sets)), "type still5");
  VerifyOptions listed = changed;
  listed.scope.keys = (directory_.path() / "names").string();
  fixtures::write_text(listed.scope.keys, "still3\nstill6\nmore\n");
  EXPECT_EQ(found(verify(listed)), "extra more, missing still3");
  EXPECT_EQ(verify(listed).cut, "position");
}

}  // namespace
}  // namespace lockstep::verifier
