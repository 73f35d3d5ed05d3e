// What happens to servers while they are read: slots that move, primaries that change, connections
// that are cut.

#include <atomic>
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
  /// Both sides alike, the source a cluster.
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      ask(owner(*source_, key(i)), {"SET", key(i), "v"});
      on_target({"SET", key(i), "v"});
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
    await(await_scan());
    what();
    check.join();
    return report;
  }
  void move_slot(const std::string& name, bool finish) {
    const net::Endpoint from = owner(*source_, name);
    const auto nodes = source_->primaries();
    const auto other = std::find_if(nodes.begin(), nodes.end(), [&](fixtures::Server* server) {
      return server->endpoint().label() != from.label();
    });
    const net::Endpoint to = (*other)->endpoint();
    const std::string slot = std::to_string(cluster::slot_of(name).value);
    const std::string from_id = ask(from, {"CLUSTER", "MYID"}).text;
    const std::string to_id = ask(to, {"CLUSTER", "MYID"}).text;
    ask(to, {"CLUSTER", "SETSLOT", slot, "IMPORTING", from_id});
    ask(from, {"CLUSTER", "SETSLOT", slot, "MIGRATING", to_id});
    for (const resp::Value& each : ask(from, {"CLUSTER", "GETKEYSINSLOT", slot, "1000"}).items)
      ask(from, {"MIGRATE", to.host, std::to_string(to.port), each.text, "0", "5000"});
    if (!finish) return;
    for (fixtures::Server* server : nodes)
      ask(server->endpoint(), {"CLUSTER", "SETSLOT", slot, "NODE", to_id});
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
  asio::awaitable<void> await_other_owner(net::Endpoint before, std::string name) {
    const auto probe = [this, before, name]() -> asio::awaitable<std::string> {
      const cluster::Topology now = co_await cluster::discover(source());
      const auto shard = now.shard_of(cluster::slot_of(name));
      const bool other = shard && now.shards[*shard].primary.endpoint.label() != before.label();
      co_return other ? "" : "the same";
    };
    co_await fixtures::poll_until(std::chrono::seconds(20), "the failover", probe);
  }

 private:
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
    for (int tag = 0; tag < 40; tag += 8) move_slot(key(tag), true);
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
  const net::Endpoint before = owner(*source_, key(7));
  const VerifyReport report = verify_while(slow_scan(), [&] {
    for (fixtures::Server* server : source_->servers()) {
      const resp::Value info = ask(server->endpoint(), {"INFO", "replication"});
      const bool replica = info.text.find("role:slave") != std::string::npos;
      if (replica && info.text.find("master_host:" + before.host) != std::string::npos)
        ask(server->endpoint(), {"CLUSTER", "FAILOVER"});
    }
    await(await_other_owner(before, key(7)));
  });
  EXPECT_EQ(found(report), "missing " + key(7));
  EXPECT_FALSE(report.notes.empty());
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
