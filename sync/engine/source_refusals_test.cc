// What the source does not answer, or not now: an error is no value.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/poll_until.h"
#include "sync/base/error.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class source_refuses : public EngineTest {
 protected:
  /// The engine follows the source as the user "reader", who has every right so far.
  asio::awaitable<void> start(ExpiryMode expiry, std::string data) {
    source_ = co_await servers_.start("source", 1, "busy-reply-threshold 50");
    target_ = co_await servers_.start("target", 1, "");
    co_await say_together(from(), "ACL SETUSER reader on >secret allkeys +@all\n" + data);
    SyncOptions options = options_for(as_reader(from()), target_->urls().front());
    options.expiry = expiry;
    co_await follow(std::move(options));
  }
  asio::awaitable<void> follow(SyncOptions options) {
    running_ =
        std::make_unique<RunningEngine>(co_await asio::this_coro::executor, std::move(options));
    co_await running_->await_streaming();
  }
  static std::string as_reader(const net::Endpoint& server) {
    return "redis://reader:secret@" + server.label();
  }
  net::Endpoint from() const { return source_->client_endpoint(); }
  net::Endpoint to() const { return target_->client_endpoint(); }

  asio::awaitable<void> begin_finalize() {
    asio::co_spawn(co_await asio::this_coro::executor, running_->engine().finalize(),
                   [](std::exception_ptr) {});
  }
  /// Of a finalize; the engine follows on.
  asio::awaitable<void> expect_refusal(std::string part, std::string other_part) {
    std::string why;
    try {
      co_await running_->engine().finalize();
    } catch (const UserError& error) {
      why = error.what();
    }
    EXPECT_NE(why.find(part), std::string::npos) << why;
    EXPECT_NE(why.find(other_part), std::string::npos) << why;
    EXPECT_EQ(running_->engine().status().state, State::synchronising);
  }
  asio::awaitable<void> expect_failure(std::string part, std::string other_part) {
    const std::string why = co_await running_->await_end();
    EXPECT_NE(why.find(part), std::string::npos) << why;
    EXPECT_NE(why.find(other_part), std::string::npos) << why;
  }
  asio::awaitable<void> expect_keys(net::Endpoint server, int64_t count) {
    const resp::Value size = co_await say(server, "DBSIZE");
    EXPECT_EQ(size.integer, count);
  }

  std::unique_ptr<fixtures::Deployment> other_;
  void clean_up() override { other_.reset(); }
};

TEST_F(source_refuses, to_tell_expiries_and_no_key_is_lost) {
  const auto body = [this]() -> asio::awaitable<void> {
    std::string data = "PING";
    for (int i = 0; i < 10; ++i) data += "\nSET k" + std::to_string(i) + " v EX 10000";
    co_await start(ExpiryMode::replica, data);
    co_await expect_keys(to(), 10);
    co_await say(from(), "ACL SETUSER reader -pexpiretime");
    co_await expect_refusal("NOPERM", "+pexpiretime");
    co_await expect_keys(to(), 10);
    co_await say_together(from(), "ACL SETUSER reader +pexpiretime\nSET later v");
    co_await running_->engine().finalize();
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    co_await expect_keys(to(), 11);
  };
  run(body());
}

TEST_F(source_refuses, to_tell_its_offset_and_that_is_not_caught_up) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(ExpiryMode::exact, "PING");
    co_await say(to(), "CLIENT PAUSE 20000 WRITE");
    co_await say_together(from(), "SET a 1\nACL SETUSER reader -info");
    co_await expect_refusal("NOPERM", "+info");
    co_await say(to(), "CLIENT UNPAUSE");
  };
  run(body());
}

TEST_F(source_refuses, everything_while_a_script_runs_and_is_waited_for) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start(ExpiryMode::replica, "SET old v EX 10000");
    co_await say(to(), "CLIENT PAUSE 20000 WRITE");
    co_await say(from(), "SET a 1 EX 10000");
    const auto script = co_await make_busy(from());
    co_await begin_finalize();
    co_await say(to(), "CLIENT UNPAUSE");
    co_await fixtures::pause(milliseconds(300));  // it asks, again and again
    EXPECT_FALSE(running_->ended());
    co_await say(from(), "SCRIPT KILL");
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    co_await expect_keys(to(), 2);
    for (const char* question : {"PEXPIRETIME old", "PEXPIRETIME a"}) {
      const resp::Value wanted = co_await say(from(), question);
      const resp::Value there = co_await say(to(), question);
      EXPECT_EQ(there.integer, wanted.integer) << question;
    }
  };
  run(body());
}

// Two servers that share nothing but the target: what one flushes goes unless the other has it.
TEST_F(source_refuses, to_tell_whether_it_has_a_key_that_another_source_flushed) {
  const auto body = [this]() -> asio::awaitable<void> {
    source_ = co_await servers_.start("source", 1, "");
    other_ = co_await servers_.start("other", 1, "");
    target_ = co_await servers_.start("target", 1, "");
    const net::Endpoint other = other_->client_endpoint();
    co_await say(from(), "SET a 1");
    co_await say_together(other, "SET b 1\nACL SETUSER reader on >secret allkeys +@all -exists");
    SyncOptions options = options_for(source_->urls().front(), target_->urls().front());
    options.from.push_back(as_reader(other));
    co_await follow(std::move(options));
    co_await expect_keys(to(), 2);
    co_await say(from(), "FLUSHALL");
    co_await expect_failure("NOPERM", "+exists");
    const resp::Value kept = co_await say(to(), "GET b");
    EXPECT_EQ(kept.text, "1");
  };
  run(body());
}

// A database that the other source does not have holds none of its keys.
TEST_F(source_refuses, a_database_that_only_another_source_has) {
  const auto body = [this]() -> asio::awaitable<void> {
    source_ = co_await servers_.start("source", 1, "databases 20");
    other_ = co_await servers_.start("other", 1, "");
    target_ = co_await servers_.start("target", 1, "databases 20");
    const net::Endpoint other = other_->client_endpoint();
    co_await say_together(from(), "SELECT 18\nSET a 1 EX 10000\nSET b 1");
    co_await say(other, "SET a 1 EX 20000");
    SyncOptions options = options_for(source_->urls().front(), target_->urls().front());
    options.from.push_back(other_->urls().front());
    co_await follow(std::move(options));
    co_await say_together(from(), "SELECT 18\nFLUSHDB\nSET c 1 EX 10000");
    co_await running_->engine().finalize();
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    const resp::Value keys = co_await say(to(), "INFO keyspace");
    EXPECT_NE(keys.text.find("db18:keys=1,expires=1,"), std::string::npos) << keys.text;
    EXPECT_NE(keys.text.find("db0:keys=1,expires=1,"), std::string::npos) << keys.text;
  };
  run(body());
}

}  // namespace
}  // namespace lockstep::engine
