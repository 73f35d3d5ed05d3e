// What the target refuses, delays or forgets in the middle of the stream.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <csignal>

#include "fixtures/cutting_proxy.h"
#include "fixtures/poll_until.h"
#include "sync/base/error.h"
#include "sync/cluster/discover.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

using std::chrono::seconds;

class target_trouble : public EngineTest {
 protected:
  /// Both sides standalone unless `target_primaries` says otherwise, the engine streaming.
  asio::awaitable<void> start(size_t target_primaries, std::string data, ExpiryMode expiry) {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start("target", target_primaries,
                                      "lua-time-limit 50\nbusy-reply-threshold 50");
    if (!data.empty()) co_await say_together(from(), data);
    SyncOptions options = options_for(source_->urls().front(), target_->urls().front());
    options.expiry = expiry;
    co_await follow(std::move(options));
  }
  asio::awaitable<void> follow(SyncOptions options) {
    running_ =
        std::make_unique<RunningEngine>(co_await asio::this_coro::executor, std::move(options));
    co_await running_->await_streaming();
  }
  net::Endpoint from() const { return source_->client_endpoint(); }
  net::Endpoint to() const { return target_->client_endpoint(); }
  Status status() { return running_->engine().status(); }

  asio::awaitable<void> expect_same() {
    co_await running_->await_applied(from());
    const std::string wanted = co_await digest(from());
    EXPECT_EQ(co_await digest(to()), wanted);
  }
  asio::awaitable<void> await_failures(uint64_t count) {
    co_await fixtures::poll_until(seconds(20), "a refusal",
                                  [this, count]() -> asio::awaitable<std::string> {
                                    co_return status().failed_requests >= count ? "" : "none yet";
                                  });
  }
  asio::awaitable<void> end() { EXPECT_EQ(co_await running_->stop(), ""); }
};

// The reply "+OK\r\n" is recognised as a whole; where it comes in pieces it must not lead astray.
TEST_F(target_trouble, replies_come_byte_by_byte) {
  const auto body = [this]() -> asio::awaitable<void> {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start("target", 1, "");
    const std::string address = servers_.next_address();
    fixtures::CuttingProxy proxy(co_await asio::this_coro::executor, address, to(), "",
                                 fixtures::Cut::never);
    co_await follow(options_for(source_->urls().front(), address));
    std::string requests = "SET a 1";
    for (int i = 0; i < 300; ++i)
      requests += "\nSETEX a 1000 1\nINCR n\nDEL a\nMULTI\nINCR m\nEXEC";
    co_await say_together(from(), requests);
    co_await expect_same();
    EXPECT_EQ(status().recoveries, 0u) << status().last_failure;
    co_await end();
  };
  run(body());
}

// The link to the target is lost for the engine only: what the server has not read of it by then
// must not be done behind what has been settled since.
TEST_F(target_trouble, a_request_that_would_arrive_late_never_does) {
  const auto body = [this]() -> asio::awaitable<void> {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start("target", 1, "");
    co_await say_together(from(), "SET a 1");
    const std::string address = servers_.next_address();
    fixtures::CuttingProxy proxy(co_await asio::this_coro::executor, address, to(), "INCR",
                                 fixtures::Cut::late);
    co_await follow(options_for(source_->urls().front(), address));
    co_await say(from(), "INCR a");
    co_await expect_same();
    EXPECT_TRUE(proxy.done());
    const resp::Value a = co_await say(to(), "GET a");
    EXPECT_EQ(a.text, "2");
    co_await end();
  };
  run(body());
}

// Nothing is under way when the primary changes, and what comes next goes beside the nodes.
TEST_F(target_trouble, a_flush_behind_a_failover_that_nobody_noticed) {
  const auto body = [this]() -> asio::awaitable<void> {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start_version(fixtures::default_server(), "target", 3, 1, "");
    co_await say_together(from(), "SET a 1\nSET b 1\nSET c 1");
    co_await follow(options_for(source_->urls().front(), target_->urls().front()));
    const fixtures::Server* old = target_->primaries().front();
    const cluster::Topology topology = co_await cluster::discover(old->endpoint());
    for (const cluster::Shard& shard : topology.shards) {
      if (shard.primary.endpoint != old->endpoint()) continue;
      co_await say(shard.replicas.front().endpoint, "CLUSTER FAILOVER");
    }
    const auto probe = [&]() -> asio::awaitable<std::string> {
      const resp::Value role = co_await say(old->endpoint(), "ROLE");
      co_return role.items.front().text == "slave" ? "" : "still a primary";
    };
    co_await fixtures::poll_until(seconds(30), "the failover", probe);
    co_await say_together(from(), "FLUSHDB\nSET d 1");
    co_await running_->await_applied(from());
    const cluster::Topology now = co_await cluster::discover(target_->client_endpoint());
    int64_t keys = 0;
    for (const cluster::Shard& shard : now.shards)
      keys += (co_await say(shard.primary.endpoint, "DBSIZE")).integer;
    EXPECT_EQ(keys, 1);
    co_await end();
  };
  run(body());
}

// SADD is refused for want of memory and SMOVE, which takes none, is done, on a set that lacks the
// member.
TEST_F(target_trouble, what_follows_a_refused_request_is_doubted) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, "SADD a z\nSADD b z", ExpiryMode::replica);
    co_await say(to(), "CONFIG SET maxmemory 1");
    co_await say_together(from(), "SADD a m\nSMOVE a b m\nSMOVE b c m");
    co_await await_failures(1);
    co_await say(to(), "CONFIG SET maxmemory 0");
    co_await expect_same();
    co_await end();
  };
  run(body());
}

// The target's own clock has removed the key before the source's renewal came.
TEST_F(target_trouble, a_renewal_that_came_too_late_inside_a_transaction) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, "SET a 1\nSET b 1", ExpiryMode::exact);
    co_await say(to(), "DEL a");
    co_await say_together(from(), "MULTI\nINCR b\nPEXPIREAT a 4102444800000\nEXEC");
    co_await expect_same();
    co_await end();
  };
  run(body());
}

// A request that was refused is not applied while its keys are being read again.
TEST_F(target_trouble, what_is_being_settled_is_not_applied) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, "", ExpiryMode::replica);
    co_await say(to(), "SET list x");
    const auto client = co_await net::Client::connect(from());
    std::string both =
        "*3\r\n$5\r\nRPUSH\r\n$4\r\nlist\r\n$1\r\na\r\n"
        "*4\r\n$6\r\nCLIENT\r\n$5\r\nPAUSE\r\n$4\r\n1500\r\n$3\r\nALL\r\n";
    co_await client->pipeline(std::move(both), 2);
    co_await await_failures(1);
    bool settled = false;
    while (!settled) {
      const LinkStatus link = status().links.front();
      const bool claimed = link.applied_offset >= link.received_offset;
      settled = (co_await say(to(), "TYPE list")).text == "list";
      EXPECT_TRUE(settled || !claimed);
      if (claimed) break;
      co_await fixtures::pause(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(settled);
    co_await end();
  };
  run(body());
}

// While a script runs, a node says BUSY to everything, to the question for the topology too.
TEST_F(target_trouble, a_busy_node_does_not_make_a_cluster_a_standalone_server) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(3, "", ExpiryMode::replica);
    const auto script = co_await make_busy(to());
    std::string sets = "SET k0 v";
    for (int i = 1; i < 100; ++i) sets += "\nINCR k" + std::to_string(i);
    co_await say_together(from(), sets);
    co_await await_failures(1);
    co_await fixtures::pause(std::chrono::milliseconds(300));  // some attempts at recovery
    co_await say(to(), "SCRIPT KILL");
    co_await running_->await_applied(from());
    int64_t keys = 0;
    for (fixtures::Server* node : target_->primaries())
      keys += (co_await say(node->endpoint(), "DBSIZE")).integer;
    EXPECT_EQ(keys, 100);
    co_await end();
  };
  run(body());
}

// While a script runs, the node refuses SELECT as well, and what comes later must not go into the
// database that is selected still.
TEST_F(target_trouble, a_database_that_was_refused_is_selected_again) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, "SET k 0", ExpiryMode::replica);
    const auto script = co_await make_busy(to());
    co_await say_together(from(), "SELECT 1\nSET k 1\nRPUSH l 1");
    co_await await_failures(1);
    co_await say(to(), "SCRIPT KILL");
    co_await expect_same();
    co_await say_together(from(), "SELECT 1\nRPUSH l 2\nFLUSHDB\nRPUSH l 3");
    co_await expect_same();
    co_await end();
  };
  run(body());
}

// The transaction is refused, so its SELECT is not done, and what needs no memory comes behind it.
TEST_F(target_trouble, a_refused_transaction_has_not_selected_its_last_database) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, "SET z 0\nSET other 0\nSELECT 1\nSET z 1", ExpiryMode::replica);
    co_await say(to(), "CONFIG SET maxmemory 1");
    co_await say_together(from(), "MULTI\nSET x 0\nSELECT 1\nSET y 1\nEXEC\nDEL z");
    co_await await_failures(1);
    co_await say(to(), "CONFIG SET maxmemory 0");
    co_await expect_same();
    co_await end();
  };
  run(body());
}

// One node does the flush and later writes, the other one's connection breaks before it has: the
// flush is sent again, but not behind what came after it.
TEST_F(target_trouble, a_flush_that_one_node_has_not_done_spares_later_keys) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(2 + 1, "SET a 0\nSET b 0\nSET c 0", ExpiryMode::replica);
    fixtures::Server* slow = target_->primaries()[1];
    co_await say(slow->endpoint(), "CLIENT PAUSE 2000 WRITE");
    std::string requests = "FLUSHALL";
    for (int i = 0; i < 50; ++i) requests += "\nSET new" + std::to_string(i) + " 1";
    co_await say_together(from(), requests);
    co_await fixtures::pause(std::chrono::milliseconds(300));  // the others have what they get
    co_await say(slow->endpoint(), "CLIENT KILL TYPE normal");
    co_await running_->await_applied(from());
    int64_t keys = 0;
    for (fixtures::Server* node : target_->primaries())
      keys += (co_await say(node->endpoint(), "DBSIZE")).integer;
    EXPECT_EQ(keys, 50);
    co_await end();
  };
  run(body());
}

// Somebody waits for the source to be caught up when the task fails.
TEST_F(target_trouble, finalize_ends_when_the_source_is_gone) {
  const auto body = [this]() -> asio::awaitable<void> {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start("target", 1, "");
    SyncOptions options = options_for(source_->urls().front(), target_->urls().front());
    options.retry_for = seconds(1);
    co_await follow(std::move(options));
    co_await say(to(), "CLIENT PAUSE 20000 WRITE");
    co_await say(from(), "SET a 1");
    asio::co_spawn(co_await asio::this_coro::executor, running_->engine().finalize(),
                   [](std::exception_ptr) {});
    co_await fixtures::pause(std::chrono::milliseconds(200));  // it waits now
    co_await source_->servers().front()->signal(SIGKILL);
    const std::string why = co_await running_->await_end();
    EXPECT_NE(why.find("did not come back within"), std::string::npos) << why;
  };
  run(body());
}

// It is a replica for a moment, as in a failover.
TEST_F(target_trouble, finalize_waits_for_a_target_that_takes_no_writes) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, "SET a 1 PXAT 4102444800000", ExpiryMode::replica);
    co_await say(to(), "REPLICAOF 127.0.0.1 1");
    asio::co_spawn(co_await asio::this_coro::executor, running_->engine().finalize(),
                   [](std::exception_ptr) {});
    co_await fixtures::poll_until(
        seconds(20), "the target to be looked for again", [this]() -> asio::awaitable<std::string> {
          const Status now = status();
          co_return now.recoveries > 0 || running_->ended() ? "" : "not yet";
        });
    co_await say(to(), "REPLICAOF NO ONE");
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    const resp::Value expiry = co_await say(to(), "PEXPIRETIME a");
    EXPECT_EQ(expiry.integer, 4102444800000);
  };
  run(body());
}

// The connection that writes the exact expiries breaks at one of them.
class finalize_broken : public target_trouble, public testing::WithParamInterface<fixtures::Cut> {};

TEST_P(finalize_broken, goes_on) {
  const auto body = [this]() -> asio::awaitable<void> {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start("target", 1, "");
    co_await say_together(from(), "SET a 1\nPEXPIREAT a 4102444800000");
    const std::string address = servers_.next_address();
    fixtures::CuttingProxy proxy(co_await asio::this_coro::executor, address, to(), "PEXPIREAT",
                                 GetParam());
    SyncOptions options = options_for(source_->urls().front(), address);
    options.expiry = ExpiryMode::replica;
    co_await follow(std::move(options));
    EXPECT_GT((co_await say(to(), "PEXPIRETIME a")).integer, 4102444800000);
    co_await running_->engine().finalize();
    EXPECT_EQ(co_await running_->await_end(), "");
    EXPECT_TRUE(proxy.done());
    EXPECT_EQ((co_await say(to(), "PEXPIRETIME a")).integer, 4102444800000);
  };
  run(body());
}

INSTANTIATE_TEST_SUITE_P(each, finalize_broken,
                         testing::Values(fixtures::Cut::before, fixtures::Cut::after));

}  // namespace
}  // namespace lockstep::engine
