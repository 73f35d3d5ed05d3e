// What happens to servers while they are read: slots that move, primaries that change, connections
// that are cut.

#include <atomic>
#include <fstream>
#include <thread>

#include "fixtures/cutting_proxy.h"
#include "fixtures/poll_until.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

class Moves : public TwoSides {
 protected:
  static std::string key(int i) { return "{" + std::to_string(i % 40) + "}" + std::to_string(i); }
  /// Both sides alike.
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      for (const fixtures::Deployment* side : {source_.get(), target_.get()})
        ask(owner(*side, key(i)), {"SET", key(i), "v"});
    }
  }
  /// Slowly, so that something may happen meanwhile.
  VerifyOptions slow_scan() const {
    VerifyOptions changed = options();
    changed.read = ReadMode::scan;
    changed.rate = 300;
    return changed;
  }
  /// `what` is done once the verifier has begun to scan.
  VerifyReport verify_while(const VerifyOptions& how, const std::function<void()>& what) {
    VerifyReport report;
    std::thread check([&] { report = verify(how); });
    await(how.read == ReadMode::snapshot ? await_snapshot(target()) : await_scan());
    what();
    check.join();
    return report;
  }

  /// The source behind a proxy that breaks the first connection over which `text` comes.
  VerifyReport verify_through_proxy(VerifyOptions how, const std::string& text) {
    const std::string address = addresses_.next();
    const fixtures::CuttingProxy proxy(io_.get_executor(), address, source(), text,
                                       fixtures::Cut::after);
    how.from = {"redis://" + address + ":6379"};
    VerifyReport report;
    std::atomic<bool> done = false;
    std::thread check([&] {
      report = verify(how);
      done = true;
    });
    io_.restart();
    while (!done) io_.run_one_for(std::chrono::milliseconds(20));
    check.join();
    EXPECT_TRUE(proxy.done()) << text;
    return report;
  }
  /// A replica of the primary that serves the key takes its place.
  void fail_over(const fixtures::Deployment& side, const std::string& name) {
    const net::Endpoint before = owner(side, name);
    for (fixtures::Server* server : side.servers()) {
      const resp::Value info = ask(server->endpoint(), {"INFO", "replication"});
      const bool replica = info.text.find("role:slave") != std::string::npos;
      if (replica && info.text.find("master_host:" + before.host) != std::string::npos)
        ask(server->endpoint(), {"CLUSTER", "FAILOVER"});
    }
    await(await_other_owner(side.client_endpoint(), before, name));
  }
  static asio::awaitable<void> await_other_owner(net::Endpoint any, net::Endpoint before,
                                                 std::string name) {
    const auto probe = [any, before, name]() -> asio::awaitable<std::string> {
      const cluster::Topology now = co_await cluster::discover(any);
      const auto shard = now.shard_of(cluster::slot_of(name));
      const bool other = shard && now.shards[*shard].primary.endpoint.label() != before.label();
      co_return other ? "" : "the same";
    };
    co_await fixtures::poll_until(std::chrono::seconds(20), "the failover", probe);
  }

 private:
  static asio::awaitable<void> await_snapshot(net::Endpoint server) {
    const auto probe = [server]() -> asio::awaitable<std::string> {
      const auto client = co_await net::Client::connect(server);
      std::vector<std::string> request{"INFO", "persistence"};
      const resp::Value info = co_await client->command_or_throw(std::move(request));
      const bool saves = info.text.find("rdb_bgsave_in_progress:1") != std::string::npos;
      co_return saves ? "" : "not yet";
    };
    co_await fixtures::poll_until(std::chrono::seconds(20), "a snapshot", probe);
  }
  asio::awaitable<void> await_scan() {
    const auto probe = [this]() -> asio::awaitable<std::string> {
      const auto client = co_await net::Client::connect(target());
      std::vector<std::string> request{"INFO", "commandstats"};
      const resp::Value info = co_await client->command_or_throw(std::move(request));
      co_return info.text.find("cmdstat_scan:") == std::string::npos ? "not yet" : "";
    };
    co_await fixtures::poll_until(std::chrono::seconds(20), "a scan", probe);
  }
};

/// The moved keys were at neither node, or at both, when that was read.
TEST_F(Moves, AKeyOfASlotThatMovesIsNotMissed) {
  start(Topology::cluster, Topology::standalone);
  fill(400);
  for (int tag = 0; tag < 40; tag += 8) on_target({"DEL", key(tag)});
  const VerifyReport report = verify_while(slow_scan(), [this] {
    for (int tag = 0; tag < 40; tag += 8) move_slot(*source_, key(tag), true);
  });
  EXPECT_EQ(found(report),
            "missing {0}0, missing {16}16, missing {24}24, missing {32}32, missing {8}8");
  ASSERT_FALSE(report.notes.empty());
  EXPECT_NE(report.notes[0].find("changed hands"), std::string::npos) << report.notes[0];
  EXPECT_EQ(report.compared, 400u);
}

TEST_F(Moves, APrimaryThatChangesIsReadAnew) {
  source_replicas_ = 1;
  start(Topology::cluster, Topology::standalone);
  fill(200);
  on_target({"DEL", key(7)});
  const VerifyReport report = verify_while(slow_scan(), [&] { fail_over(*source_, key(7)); });
  EXPECT_EQ(found(report), "missing " + key(7));
  EXPECT_FALSE(report.notes.empty());
}

TEST_F(Moves, ATargetThatFailsOverDuringAScan) {
  target_replicas_ = 1;
  start(Topology::standalone, Topology::cluster);
  fill(200);
  on_source({"SET", key(7), "other"});
  const VerifyReport report = verify_while(slow_scan(), [&] { fail_over(*target_, key(7)); });
  EXPECT_EQ(found(report), "value " + key(7));
  EXPECT_EQ(report.compared, 200u);
  EXPECT_FALSE(report.notes.empty());
}

/// The old primary ends the link of its snapshot when it follows another.
TEST_F(Moves, ATargetThatFailsOverDuringASnapshot) {
  target_replicas_ = 1;
  start(Topology::standalone, Topology::cluster);
  fill(200);
  on_source({"SET", key(7), "other"});
  const net::Endpoint before = owner(*target_, key(7));
  for (fixtures::Server* server : target_->primaries())
    ask(server->endpoint(), {"CONFIG", "SET", "rdb-key-save-delay", "50000"});
  VerifyOptions how = options();
  how.read = ReadMode::snapshot;
  const VerifyReport report = verify_while(how, [&] {
    fail_over(*target_, key(7));
    for (fixtures::Server* server : target_->primaries())
      ask(server->endpoint(), {"CONFIG", "SET", "rdb-key-save-delay", "0"});
  });
  EXPECT_EQ(found(report), "value " + key(7));
  EXPECT_EQ(report.compared, 200u);
  EXPECT_NE(owner(*target_, key(7)).label(), before.label());
  EXPECT_FALSE(report.notes.empty());
}

TEST_F(Moves, ASlotThatMovesOnTheTarget) {
  start(Topology::standalone, Topology::cluster);
  fill(400);
  for (int tag = 0; tag < 40; tag += 8) on_source({"SET", key(tag), "other"});
  const VerifyReport report = verify_while(slow_scan(), [this] {
    for (int tag = 0; tag < 40; tag += 8) move_slot(*target_, key(tag), true);
  });
  EXPECT_EQ(found(report), "value {0}0, value {16}16, value {24}24, value {32}32, value {8}8");
  EXPECT_EQ(report.compared, 400u);
}

/// Its keys are at the other node, and its owner sends whoever asks for them there.
TEST_F(Moves, ASlotThatStaysHalfMoved) {
  start(Topology::standalone, Topology::cluster);
  fill(200);
  move_slot(*target_, key(3), false);
  const net::Endpoint at = owner(*target_, key(3));
  const std::string slot = std::to_string(cluster::slot_of(key(3)).value);
  VerifyOptions how = options();
  how.settle = std::chrono::milliseconds(500);
  how.scope.keys = directory_.path() / "keys";
  std::ofstream list(how.scope.keys);
  for (int i = 0; i < 200; ++i) list << key(i) << "\n";
  list.close();
  const std::string listed = how.scope.keys;
  for (const std::string& keys : {std::string(), listed}) {
    for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
      how.read = mode;
      how.scope.keys = keys;
      const VerifyReport report = verify(how);
      EXPECT_EQ(report.verdict, Verdict::unknown);
      EXPECT_EQ(report.exit_code(), ExitCode::unknown);
      EXPECT_EQ(report.difference_count(), 0u) << found(report);
      EXPECT_EQ(report.compared, 200u);
      EXPECT_EQ(report.unverifiable_count, 5u);
      ASSERT_FALSE(report.unverifiable.empty()) << report.problem;
      EXPECT_NE(report.unverifiable[0].reason.find("slot " + slot), std::string::npos)
          << report.unverifiable[0].reason;
    }
  }
  how.scope.keys.clear();
  on_source({"SET", key(4), "other"});
  EXPECT_EQ(found(verify(how)), "value " + key(4));
  EXPECT_EQ(owner(*target_, key(3)).label(), at.label());
}

/// A connection that breaks with a reply on its way.
TEST_F(Moves, ACutConnectionIsMadeAgain) {
  start();
  for (int i = 0; i < 100; ++i) on_both({"RPUSH", key(i), "v"});
  on_target({"DEL", key(5)});
  on_target({"RPUSH", key(6), "x"});
  const std::vector<std::pair<ReadMode, std::string>> cuts = {{ReadMode::scan, "SCAN"},
                                                              {ReadMode::scan, "DUMP"},
                                                              {ReadMode::snapshot, "PSYNC"},
                                                              {ReadMode::snapshot, "MULTI"}};
  for (const auto& [read, text] : cuts) {
    VerifyOptions changed = options();
    changed.read = read;
    const VerifyReport report = verify_through_proxy(changed, text);
    EXPECT_EQ(found(report), "missing {5}5, value {6}6") << text;
    EXPECT_EQ(report.compared, 100u) << text;
  }
}

}  // namespace
}  // namespace lockstep::verifier
