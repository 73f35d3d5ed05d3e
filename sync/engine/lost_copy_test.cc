// The link is lost during the full copy: another one is made, and nothing of the lost one stays.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/dataset.h"
#include "fixtures/poll_until.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A snapshot takes seconds, so that things can happen during it.
constexpr const char* slow_snapshots =
    "repl-diskless-sync yes\nrepl-diskless-sync-delay 0\nrdb-key-save-delay 300\n"
    "enable-debug-command yes";
constexpr const char* at_once = "CONFIG SET rdb-key-save-delay 0";
/// Of each type, among keys enough for seconds.
constexpr const char* data =
    "EVAL for~i=1,20000~do~redis.call('SET','k'..i,string.rep('v',100))~end 0\n"
    "RPUSH list a b c\nHSET hash f v\nZADD zset 1 a\nXADD stream 1-1 f v\nSET expiring v EX 10000\n"
    "FUNCTION LOAD #!lua~name=first^redis.register_function('f',function()~return~1~end)";

class lost_copy : public EngineTest {
 protected:
  asio::awaitable<void> start(size_t source_nodes, size_t target_nodes) {
    source_ = co_await servers_.start("source", source_nodes, slow_snapshots);
    target_ = co_await servers_.start("target", target_nodes, "enable-debug-command yes");
  }
  SyncOptions options() const {
    return options_for(source_->urls().front(), target_->urls().front());
  }
  asio::awaitable<void> begin(SyncOptions options) {
    running_ =
        std::make_unique<RunningEngine>(co_await asio::this_coro::executor, std::move(options));
  }
  /// Some of the source's keys are on the target.
  asio::awaitable<void> await_part_of_the_copy() {
    const auto probe = [this]() -> asio::awaitable<std::string> {
      const Status status = running_->engine().status();
      const bool part = !status.links.empty() && status.links.front().keys_loaded > 500;
      co_return part ? "" : "too few keys";
    };
    co_await fixtures::poll_until(seconds(30), "a part of the copy", probe);
    EXPECT_EQ(running_->engine().status().state, State::initialising);
  }
  /// The engine finalizes, and both sides are equal.
  asio::awaitable<void> expect_equal() {
    co_await running_->await_streaming();
    co_await running_->engine().finalize();
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    const std::string wanted = co_await digest(from()), there = co_await digest(to());
    EXPECT_EQ(there, wanted);
  }
  net::Endpoint from() const { return source_->client_endpoint(); }
  net::Endpoint to() const { return target_->client_endpoint(); }

  std::unique_ptr<fixtures::Deployment> other_;
  void clean_up() override { other_.reset(); }
};

TEST_F(lost_copy, of_a_source_that_is_emptied) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    co_await say_together(from(), data);
    co_await begin(options());
    co_await await_part_of_the_copy();
    co_await say_together(from(), std::string(at_once) +
                                      "\nFUNCTION FLUSH\nFLUSHALL\nSET k1 new\nSET new v\n"
                                      "SELECT 3\nSET deep v");
    co_await expect_equal();
    const resp::Value keys = co_await say(to(), "DBSIZE");
    EXPECT_EQ(keys.integer, 2);
  };
  run(body());
}

// What is deleted while no link is there is in no stream.
TEST_F(lost_copy, of_a_link_that_breaks) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    co_await say_together(from(), data);
    co_await begin(options());
    co_await await_part_of_the_copy();
    co_await say_together(
        from(), std::string(at_once) +
                    "\nMULTI\nCLIENT KILL TYPE replica\n"
                    "EVAL for~i=1,5000~do~redis.call('DEL','k'..i)~end 0\nFUNCTION FLUSH\nDEL "
                    "list hash zset stream expiring\nEXEC");
    co_await expect_equal();
    const resp::Value keys = co_await say(to(), "DBSIZE");
    EXPECT_EQ(keys.integer, 15'000);
  };
  run(body());
}

TEST_F(lost_copy, again_and_again) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    co_await say_together(from(), data);
    co_await begin(options());
    for (int i = 0; i < 3; ++i) {
      co_await await_part_of_the_copy();
      co_await say(from(), "CLIENT KILL TYPE replica");
      const auto probe = [this]() -> asio::awaitable<std::string> {
        const uint64_t keys = running_->engine().status().links.front().keys_loaded;
        co_return keys <= 500 ? "" : "still the copy that is lost";
      };
      co_await fixtures::poll_until(seconds(30), "another copy", probe);
    }
    co_await say(from(), at_once);
    co_await say(from(), "CLIENT KILL TYPE replica");
    co_await expect_equal();
  };
  run(body());
}

// Functions are no data of which the target must be empty: those of the user stay. One of the
// source's that is deleted later than the keys goes all the same.
TEST_F(lost_copy, keeps_libraries_that_were_not_copied) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    co_await say_together(from(), data);
    co_await say(to(),
                 "FUNCTION LOAD "
                 "#!lua~name=users^redis.register_function('u',function()~return~1~end)");
    co_await begin(options());
    co_await await_part_of_the_copy();
    co_await say_together(from(), std::string(at_once) + "\nFLUSHALL\nSET new v");
    co_await say(from(), "FUNCTION FLUSH");
    co_await running_->await_streaming();
    const std::string failure = co_await running_->stop();
    EXPECT_EQ(failure, "");
    const std::string there = co_await digest(to());
    EXPECT_NE(there.find(" users "), std::string::npos) << there;
    EXPECT_EQ(there.find(" first "), std::string::npos) << there;
  };
  run(body());
}

TEST_F(lost_copy, removes_nothing_where_somebody_else_writes) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    co_await say_together(from(), data);
    co_await begin(options());
    co_await await_part_of_the_copy();
    co_await say(to(), "EVAL for~i=1,30000~do~redis.call('SET','own'..i,i)~end 0");
    co_await say(from(), "CLIENT KILL TYPE replica");
    const std::string why = co_await running_->await_end();
    EXPECT_NE(why.find("somebody else writes to it"), std::string::npos) << why;
    const resp::Value own = co_await say(to(), "EXISTS own1 own30000");
    EXPECT_EQ(own.integer, 2);
  };
  run(body());
}

// The target keeps what it has while the source is away, and the task can be stopped then.
TEST_F(lost_copy, of_a_source_that_does_not_begin_another) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    co_await say_together(from(), data);
    co_await begin(options());
    co_await await_part_of_the_copy();
    co_await say_together(from(),
                          "CONFIG SET repl-diskless-sync-delay 1000\nCLIENT KILL TYPE replica");
    const auto probe = [this]() -> asio::awaitable<std::string> {
      const resp::Value info = co_await say(from(), "INFO replication");
      co_return info.text.find("state=wait_bgsave") != std::string::npos ? "" : info.text;
    };
    co_await fixtures::poll_until(seconds(30), "the wait for another snapshot", probe);
    const resp::Value kept = co_await say(to(), "DBSIZE");
    EXPECT_GT(kept.integer, 500);
    const std::string failure = co_await running_->stop();
    EXPECT_EQ(failure, "");
  };
  run(body());
}

// Every shard of a cluster is a source of its own: the others go on, and keep what is theirs.
TEST_F(lost_copy, of_one_shard_into_a_cluster) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(3, 3);
    fixtures::DatasetOptions some;
    some.keys = 20'000;
    some.mix = fixtures::Mix::everything;
    std::vector<net::Endpoint> nodes{from()};
    co_await fixtures::load_dataset(std::move(nodes), some);
    co_await begin(options());
    co_await await_part_of_the_copy();
    co_await say_together(from(), std::string(at_once) + "\nFLUSHALL");
    co_await running_->await_streaming();
    co_await running_->engine().finalize();
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    const auto count = [](const fixtures::Deployment& side) -> asio::awaitable<int64_t> {
      int64_t keys = 0;
      for (const fixtures::Server* node : side.primaries())
        keys += (co_await say(node->endpoint(), "DBSIZE")).integer;
      co_return keys;
    };
    const int64_t wanted = co_await count(*source_), there = co_await count(*target_);
    EXPECT_EQ(there, wanted);
    EXPECT_GT(wanted, 8000);
  };
  run(body());
}

// Two servers that share nothing but the target: what the other has stays.
TEST_F(lost_copy, of_one_of_two_sources) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    other_ = co_await servers_.start("other", 1, "");
    const net::Endpoint other = other_->client_endpoint();
    co_await say_together(from(), data);
    co_await say_together(other, "SET mine v\nSET k1 both");
    SyncOptions both = options();
    both.from.push_back(other_->urls().front());
    co_await begin(std::move(both));
    co_await await_part_of_the_copy();
    co_await say_together(from(), std::string(at_once) + "\nFLUSHALL\nSET theirs v");
    co_await running_->await_streaming();
    co_await running_->engine().finalize();
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    const resp::Value mine = co_await say(to(), "EXISTS mine theirs k1");
    EXPECT_EQ(mine.integer, 3);
    const resp::Value keys = co_await say(to(), "DBSIZE");
    EXPECT_EQ(keys.integer, 3);
  };
  run(body());
}

// What the target had before must stay, and cannot be told from what was copied.
TEST_F(lost_copy, into_a_target_that_held_keys_ends_the_task) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(1, 1);
    co_await say_together(from(), data);
    co_await say(to(), "SET own v");
    SyncOptions overwrite = options();
    overwrite.existing = ExistingData::overwrite;
    co_await begin(std::move(overwrite));
    co_await await_part_of_the_copy();
    co_await say(from(), "FLUSHALL");
    const std::string why = co_await running_->await_end();
    EXPECT_NE(why.find("during the full copy"), std::string::npos) << why;
    EXPECT_NE(why.find("--existing overwrite"), std::string::npos) << why;
    const resp::Value own = co_await say(to(), "GET own");
    EXPECT_EQ(own.text, "v");
  };
  run(body());
}

}  // namespace
}  // namespace lockstep::engine
