#include <gtest/gtest.h>

#include "verifier/side.h"

namespace lockstep::verifier {
namespace {

constexpr int64_t fork_offset = 5000;

NodeActivity before() { return {"run", "7 3", 7, 3, Offset{4000}}; }
NodeActivity saved() { return {"run", "0 4", 0, 4, Offset{fork_offset}}; }
SnapshotPoint snapshot() { return {Offset{fork_offset}, {}}; }

TEST(NodeActivity, ASaveForASnapshotIsNoWrite) {
  EXPECT_TRUE(saved().only_saved(before(), snapshot()));
  NodeActivity later = saved();
  later.offset.value += 3 * 14;  // PINGs
  EXPECT_TRUE(later.only_saved(before(), snapshot()));
  NodeActivity old = saved(), old_before = before();
  old.saves = old_before.saves = std::nullopt;
  EXPECT_TRUE(old.only_saved(old_before, snapshot()));
}

TEST(NodeActivity, ASaveOfNobodysIsAWrite) {
  EXPECT_FALSE(saved().only_saved(before(), std::nullopt));
  NodeActivity twice = saved();
  twice.saves = 5;
  EXPECT_FALSE(twice.only_saved(before(), snapshot()));
}

TEST(NodeActivity, AWriteAfterTheForkIsSeen) {
  NodeActivity written = saved();
  written.changes = 1;
  EXPECT_FALSE(written.only_saved(before(), snapshot()));
  NodeActivity hidden = saved();
  hidden.offset.value += 31;  // a write, and another save
  EXPECT_FALSE(hidden.only_saved(before(), snapshot()));
  NodeActivity restarted = saved();
  restarted.run_id = "another";
  EXPECT_FALSE(restarted.only_saved(before(), snapshot()));
}

}  // namespace
}  // namespace lockstep::verifier
