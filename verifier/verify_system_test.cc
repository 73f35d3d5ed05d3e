#include <fstream>
#include <nlohmann/json.hpp>

#include "fixtures/cluster_builder.h"
#include "sync/cluster/slot.h"
#include "verifier/report_json.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

class Verify : public TwoSides {
 protected:
  void fill_cluster(const fixtures::Deployment& deployment, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string key = "key " + std::to_string(i);
      ask(owner(deployment, key), {"SET", key, std::to_string(i)});
    }
  }
};

TEST_F(Verify, EmptyServersAreEqual) {
  start();
  const VerifyReport report = check();
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  EXPECT_EQ(report.compared, 0u);
  EXPECT_EQ(report.cut, "quiesced");
}

TEST_F(Verify, ExitCodesAndReportFiles) {
  start();
  on_both({"SET", "same", "1"});
  const std::string from = url(source()), to = url(target());
  EXPECT_EQ(lockstep({"verify", "--from", from, "--to", to}), 0) << output();
  on_target({"SET", "extra", "1"});
  const auto out = directory_.path() / "out";
  EXPECT_EQ(lockstep({"verify", "--from", from, "--to", to, "--report", out}), 1) << output();
  std::ifstream file(out / "report.json");
  const auto json = nlohmann::json::parse(file);
  EXPECT_EQ(json["schema"], report_schema);
  EXPECT_EQ(json["verdict"], "different");
  EXPECT_EQ(json["counts"]["extra"], 1);
  std::ifstream lines(out / "diff.jsonl");
  EXPECT_EQ(nlohmann::json::parse(lines)["key"], "extra");
  EXPECT_EQ(lockstep({"verify", "--from", from, "--to", "redis://127.0.0.1:1"}), 2) << output();
}

std::vector<Words> wrong_arguments(const std::string& from, const std::string& to) {
  return {{"verify"},
          {"verify", "--from", from},
          {"verify", "--from", from, "--to", "http://x"},
          {"verify", "--from", from, "--to", to, "--read", "quickly"},
          {"verify", "--from", from, "--to", to, "--settle", "soon"},
          {"verify", "--from", from, "--to", to, "--no-such-flag"},
          {"verify", "--from", from, "--to", to, "--from-topology", "cluster"},
          {"verify", "--from", from, "--to", to, "--report", "/proc/nowhere"},
          {"verify", "--from", from, from, "--to", to},
          {"verify", "--from", from, "--to", to, "--transfer", "post"},
          {"verify", "--from", from, "--to", from}};
}

TEST_F(Verify, BadArguments) {
  start();
  for (const auto& arguments : wrong_arguments(url(source()), url(target())))
    EXPECT_EQ(lockstep(arguments), 254) << arguments.back() << "\n" << output();
  EXPECT_NE(output().find("the same server"), std::string::npos) << output();
}

TEST_F(Verify, AnUnreachableNodeIsNoVerdict) {
  start();
  VerifyOptions changed = options();
  changed.to = {"redis://127.0.0.1:1"};
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::unknown);
  EXPECT_NE(report.problem.find("127.0.0.1:1"), std::string::npos) << report.problem;
}

TEST_F(Verify, WithoutPsyncItScansAndSaysSo) {
  start();
  on_both({"SET", "k", "v"});
  on_source({"ACL", "SETUSER", "reader", "on", ">x", "~*", "+@all", "-psync", "-replconf"});
  VerifyOptions changed = options();
  changed.from = {"redis://reader:x@" + source().label()};
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::equal) << report.problem;
  EXPECT_EQ(report.method, "scan");
  EXPECT_EQ(report.compared, 1u);
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_NE(report.notes[0].find("psync"), std::string::npos) << report.notes[0];
  changed.read = ReadMode::snapshot;
  EXPECT_EQ(verify(changed).verdict, Verdict::unknown);
}

TEST_F(Verify, WithoutDumpThereIsNoVerdict) {
  start();
  on_both({"RPUSH", "k", "v"});
  on_source({"ACL", "SETUSER", "reader", "on", ">x", "~*", "+@all", "-dump", "-psync"});
  VerifyOptions changed = options();
  changed.from = {"redis://reader:x@" + source().label()};
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::unknown);
  EXPECT_NE(report.problem.find("dump"), std::string::npos) << report.problem;
}

TEST_F(Verify, ASnapshotByDiskAndAsAStream) {
  start();
  on_both({"SET", "k", "v"});
  on_both({"RPUSH", "l", "1"});
  VerifyOptions changed = options();
  changed.read = ReadMode::snapshot;
  for (const Transfer transfer : {Transfer::disk, Transfer::stream, Transfer::automatic}) {
    changed.transfer = transfer;
    on_both({"SET", "k", "w"});  // which a save makes the server forget
    const VerifyReport report = verify(changed);
    EXPECT_EQ(report.verdict, Verdict::equal);
    EXPECT_EQ(report.compared, 2u);
    EXPECT_EQ(report.cut, "quiesced");
    EXPECT_TRUE(report.notes.empty());
  }
}

/// Its directory is gone.
TEST_F(Verify, AServerThatCannotWriteItsSnapshot) {
  start();
  on_both({"SET", "k", "v"});
  std::filesystem::remove_all(ask(source(), {"CONFIG", "GET", "dir"}).items.at(1).text);
  VerifyOptions changed = options();
  changed.read = ReadMode::snapshot;
  changed.transfer = Transfer::disk;
  const VerifyReport refused = verify(changed);
  EXPECT_EQ(refused.verdict, Verdict::unknown);
  EXPECT_NE(refused.problem.find("--transfer stream"), std::string::npos) << refused.problem;
  if (source_->options().spec.commands < 700) return;  // they send no stream unless told to
  changed.transfer = Transfer::automatic;
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::equal) << report.problem;
  EXPECT_TRUE(report.notes.empty());
}

TEST_F(Verify, AGraceOfTheTargetIsTakenIntoAccount) {
  start();
  on_source({"SET", "later", "v", "PXAT", "4000000000000"});
  on_target({"SET", "later", "v", "PXAT", "4000003600000"});
  const int64_t now_s = std::time(nullptr);
  on_target({"SET", "gone in the source", "v", "EXAT", std::to_string(now_s + 1800)});
  VerifyOptions changed = options();
  EXPECT_EQ(found(verify(changed)), "expiry later, extra gone in the source");
  changed.expiry_grace = std::chrono::hours(1);
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  EXPECT_EQ(report.expired, 1u);
}

TEST_F(Verify, StandaloneAgainstCluster) {
  start(Topology::standalone, Topology::cluster);
  for (int i = 0; i < 200; ++i) on_source({"SET", "key " + std::to_string(i), std::to_string(i)});
  fill_cluster(*target_, 200);
  EXPECT_EQ(check().verdict, Verdict::equal) << found(check());
  EXPECT_EQ(check(ReadMode::scan).verdict, Verdict::equal);
  ask(owner(*target_, "key 7"), {"DEL", "key 7"});
  ask(owner(*target_, "key 8"), {"APPEND", "key 8", "x"});
  ask(owner(*target_, "more"), {"SET", "more", "x"});
  EXPECT_EQ(found(check()), "extra more, missing key 7, value key 8");
  EXPECT_EQ(found(check(ReadMode::scan)), "extra more, missing key 7, value key 8");
}

TEST_F(Verify, AKeyAtANodeThatDoesNotServeIt) {
  start(Topology::cluster, Topology::cluster);
  fill_cluster(*source_, 20);
  fill_cluster(*target_, 20);
  ASSERT_EQ(check().verdict, Verdict::equal) << found(check());
  const net::Endpoint owner_of_key = owner(*target_, "key 3");
  const auto nodes = target_->primaries();
  const auto other = std::find_if(nodes.begin(), nodes.end(), [&](fixtures::Server* server) {
    return server->endpoint().label() != owner_of_key.label();
  });
  const net::Endpoint elsewhere = (*other)->endpoint();
  const std::string slot = std::to_string(cluster::slot_of("key 3").value);
  const std::string id = ask(owner_of_key, {"CLUSTER", "MYID"}).text;
  ask(elsewhere, {"CLUSTER", "SETSLOT", slot, "IMPORTING", id});
  ask(elsewhere, {"ASKING"});
  ask(elsewhere, {"SET", "key 3", "old"});
  ask(elsewhere, {"CLUSTER", "SETSLOT", slot, "STABLE"});
  EXPECT_EQ(found(check()), "misplaced key 3");
  EXPECT_EQ(found(check(ReadMode::scan)), "misplaced key 3");
}

TEST_F(Verify, ServersBehindATwemproxy) {
  start(Topology::twemproxy, Topology::cluster);
  for (int i = 0; i < 50; ++i)
    ask(source(), {"SET", "key " + std::to_string(i), std::to_string(i)});
  fill_cluster(*target_, 50);
  EXPECT_EQ(check().verdict, Verdict::equal) << found(check());
  for (fixtures::Server* server : source_->primaries())
    ask(server->endpoint(), {"SET", "key 5", "5"});
  EXPECT_EQ(found(check()), "misplaced key 5");
}

std::vector<Writer::Request> many_writes(int round) {
  const std::string key = "k" + std::to_string(round % 300);
  const Words list = round % 700 < 300 ? Words{"LPUSH", "l" + key, "z"} : Words{"DEL", "l" + key};
  return {{0, {"APPEND", key, "y"}}, {0, list}, {0, {"SET", "t" + key, "v", "PX", "30"}}};
}

/// The server's own replica is behind by a little all the time, and never wrong.
TEST_F(Verify, AFollowingReplicaUnderWritesIsNotDifferent) {
  start();
  for (int i = 0; i < 300; ++i) on_source({"SET", "k" + std::to_string(i), std::string(200, 'x')});
  await(fixtures::replicate(*target_->servers()[0], *source_->servers()[0]));
  const Writer writer({source()}, many_writes);
  await_key(source(), "lk0");
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan, ReadMode::snapshot}) {
    VerifyOptions changed = options();
    changed.read = mode;
    changed.confirm_quiet = VerifyOptions().confirm_quiet;
    const VerifyReport report = verify(changed);
    EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    EXPECT_EQ(report.cut, "settle");
  }
}

TEST_F(Verify, AKeyThatNeverAgreesFlaps) {
  start();
  on_target({"SET", "n", "-1"});
  const Writer writer({source(), target()}, [](int) -> std::vector<Writer::Request> {
    return {{0, {"INCR", "n"}}, {1, {"DECR", "n"}}};
  });
  ask_until(target(), {"GET", "n"}, [](const resp::Value& value) { return value.text != "-1"; });
  VerifyOptions changed = options();
  changed.confirm_quiet = VerifyOptions().confirm_quiet;
  changed.settle = milliseconds(700);
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::unknown);
  EXPECT_EQ(report.flapping, 1u);
  EXPECT_EQ(report.difference_count(), 0u);
}

/// Before 7.0 an expiry is a time to live and the server's clock.
TEST_F(Verify, ExpiriesAreReadToTheMillisecond) {
  start();
  for (int i = 0; i < 200; ++i) {
    on_both({"SET", "k" + std::to_string(i), "v"});
    on_both({"PEXPIREAT", "k" + std::to_string(i), std::to_string(4'000'000'000'000 + 7919 * i)});
  }
  on_target({"PEXPIREAT", "k7", std::to_string(4'000'000'000'000 + 7919 * 7 + 2)});
  VerifyOptions exact = options();
  for (const ReadMode mode : {ReadMode::scan, ReadMode::snapshot}) {
    exact.read = mode;
    exact.expiry_tolerance = milliseconds(0);
    EXPECT_EQ(found(verify(exact)), "expiry k7");
    exact.expiry_tolerance = milliseconds(2);
    EXPECT_EQ(verify(exact).verdict, Verdict::equal);
  }
}

}  // namespace
}  // namespace lockstep::verifier
