// Repair of keys at nodes of a cluster that do not own their slots.

#include "sync/cluster/slot.h"
#include "verifier/repair.h"
#include "verifier/test_support.h"
#include "verifier/undo.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

class RepairStrays : public TwoSides {
 protected:
  void SetUp() override {
    start(Topology::cluster, Topology::cluster);
    for (int i = 0; i < 20; ++i) {
      const std::string key = "key " + std::to_string(i);
      for (const auto* side : {source_.get(), target_.get()})
        ask(owner(*side, key), {"SET", key, "v"});
    }
  }
  /// The primaries that do not own its slot.
  std::vector<net::Endpoint> others(const fixtures::Deployment& deployment,
                                    const std::string& key) {
    const std::string own = owner(deployment, key).label();
    std::vector<net::Endpoint> result;
    for (fixtures::Server* server : deployment.primaries()) {
      if (server->endpoint().label() != own) result.push_back(server->endpoint());
    }
    return result;
  }
  /// As what an interrupted move of a slot leaves.
  void leave_astray(const fixtures::Deployment& deployment, const net::Endpoint& node,
                    const std::string& key, const Words& more = {}) {
    const std::string slot = std::to_string(cluster::slot_of(key).value);
    const std::string id = ask(owner(deployment, key), {"CLUSTER", "MYID"}).text;
    ask(node, {"CLUSTER", "SETSLOT", slot, "IMPORTING", id});
    ask(node, {"ASKING"});
    ask(node, {"SET", key, "old"});
    if (!more.empty()) ask(node, {"ASKING"}), ask(node, more);
    ask(node, {"CLUSTER", "SETSLOT", slot, "STABLE"});
  }
  int64_t keys_in_slot(const net::Endpoint& node, const std::string& key) {
    const std::string slot = std::to_string(cluster::slot_of(key).value);
    return ask(node, {"CLUSTER", "COUNTKEYSINSLOT", slot}).integer;
  }
  void expect_no_open_slot() {
    for (fixtures::Server* server : target_->primaries()) {
      const std::string nodes = ask(server->endpoint(), {"CLUSTER", "NODES"}).text;
      EXPECT_EQ(nodes.find('['), std::string::npos) << nodes;
    }
  }
  std::filesystem::path out() const { return directory_.path() / "out"; }
  VerifyReport repair(RepairOptions how = {}) {
    VerifyOptions changed = options();
    changed.report = out();
    return verify_and_repair(changed, how);
  }
};

TEST_F(RepairStrays, TheCopyGoesAndUndoPutsItBack) {
  const net::Endpoint one = others(*target_, "key 3")[0];
  const auto both = others(*target_, "key 5");
  leave_astray(*target_, one, "key 3", {"PEXPIREAT", "key 3", "4000000000000"});
  leave_astray(*target_, both[0], "key 5");
  leave_astray(*target_, both[1], "key 5");
  ask(owner(*target_, "key 5"), {"DEL", "key 5"});
  const std::string planted = "misplaced key 3, misplaced key 5, misplaced key 5, missing key 5";
  ASSERT_EQ(found(check()), planted);

  const VerifyReport would = repair({.dry_run = true});
  EXPECT_EQ(would.repair->removed, 3u);
  EXPECT_EQ(would.repair->written, 1u);
  EXPECT_EQ(found(check()), planted);

  const VerifyReport report = repair();
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report) << report.repair->left_why;
  EXPECT_EQ(report.repair->removed, 3u);
  EXPECT_EQ(report.repair->written, 1u);
  EXPECT_EQ(keys_in_slot(one, "key 3"), 0);
  EXPECT_EQ(ask(owner(*target_, "key 3"), {"GET", "key 3"}).text, "v");
  expect_no_open_slot();

  const UndoReport undone = undo({.journal = out() / "repair.jsonl", .to = {}});
  EXPECT_EQ(undone.restored, 4u);
  EXPECT_EQ(undone.changed, 0u);
  EXPECT_EQ(found(check()), planted);
  EXPECT_EQ(keys_in_slot(one, "key 3"), 1);
  expect_no_open_slot();
}

TEST_F(RepairStrays, TheSourceIsNotWrittenTo) {
  const net::Endpoint node = others(*source_, "key 3")[0];
  leave_astray(*source_, node, "key 3");
  const VerifyReport report = repair();
  EXPECT_EQ(found(report), "misplaced key 3");
  EXPECT_EQ(report.repair->left, 1u);
  EXPECT_NE(report.repair->left_why.find(node.label()), std::string::npos)
      << report.repair->left_why;
  EXPECT_EQ(keys_in_slot(node, "key 3"), 1);
}

TEST_F(RepairStrays, WhoMayNotChangeSlotsIsToldTheCommands) {
  const net::Endpoint node = others(*target_, "key 3")[0];
  leave_astray(*target_, node, "key 3");
  for (fixtures::Server* server : target_->primaries())
    ask(server->endpoint(),
        {"ACL", "SETUSER", "reader", "on", ">x", "~*", "+@all", "-cluster|setslot"});
  VerifyOptions changed = options();
  changed.to = {"redis://reader:x@" + target().label()};
  changed.report = out();
  const VerifyReport report = verify_and_repair(changed, {});
  EXPECT_EQ(found(report), "misplaced key 3");
  EXPECT_EQ(report.repair->left, 1u);
  EXPECT_NE(report.repair->left_why.find("CLUSTER SETSLOT"), std::string::npos);
  EXPECT_EQ(keys_in_slot(node, "key 3"), 1);
}

}  // namespace
}  // namespace lockstep::verifier
