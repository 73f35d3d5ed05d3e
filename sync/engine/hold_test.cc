// Holds that end, or begin, while the engine is still doing what another one asked for: it is never
// held afterwards.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <csignal>

#include "fixtures/poll_until.h"
#include "sync/base/error.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class hold : public EngineTest {
 protected:
  asio::awaitable<void> follow(SyncOptions options) {
    running_ =
        std::make_unique<RunningEngine>(co_await asio::this_coro::executor, std::move(options));
    co_await running_->await_streaming();
  }
  Engine& engine() { return running_->engine(); }
  net::Endpoint from() const { return source_->client_endpoint(); }

  static asio::awaitable<void> await_key(net::Endpoint where, std::string key) {
    co_await fixtures::poll_until(seconds(20), key, [&]() -> asio::awaitable<std::string> {
      const resp::Value reply = co_await say(where, "EXISTS " + key);
      co_return reply.integer == 1 ? "" : "it is not there";
    });
  }

  asio::awaitable<void> lease_ends_while_one_target_is_waited_for();
  asio::awaitable<void> released_and_held_while_it_advances();

  std::unique_ptr<fixtures::Deployment> other_target_;
};

asio::awaitable<void> hold::lease_ends_while_one_target_is_waited_for() {
  source_ = co_await servers_.start("source", 1, "");
  target_ = co_await servers_.start("slow", 1, "");
  other_target_ = co_await servers_.start("other", 1, "");
  SyncOptions options = options_for(source_->urls().front(), target_->urls().front());
  options.to.push_back(other_target_->urls().front());
  co_await follow(std::move(options));
  co_await target_->servers().front()->signal(SIGSTOP);
  co_await say(from(), "SET a 1");
  co_await await_key(other_target_->client_endpoint(), "a");  // so it was sent to the slow one too
  std::string ended;
  asio::co_spawn(co_await asio::this_coro::executor, engine().hold_for(milliseconds(100)),
                 [&](std::exception_ptr error, uint64_t) { ended = error ? "refused" : "held"; });
  co_await fixtures::poll_until(seconds(20), "the lease's end",
                                [this]() -> asio::awaitable<std::string> {
                                  co_return engine().status().hold.expired == 1 ? "" : "it lasts";
                                });
  co_await target_->servers().front()->signal(SIGCONT);
  co_await fixtures::poll_until(
      seconds(20), "the answer to the hold",
      [&]() -> asio::awaitable<std::string> { co_return ended.empty() ? "none" : ""; });
  EXPECT_EQ(ended, "refused");
  EXPECT_FALSE(engine().status().held);
  co_await say(from(), "SET b 1");
  co_await await_key(target_->client_endpoint(), "b");
  co_await await_key(other_target_->client_endpoint(), "b");
  const std::string failure = co_await running_->stop();
  EXPECT_EQ(failure, "");
}

TEST_F(hold, ends_for_all_targets_when_its_lease_is_over) {
  run(lease_ends_while_one_target_is_waited_for());
}

asio::awaitable<void> hold::released_and_held_while_it_advances() {
  source_ = co_await servers_.start("source", 1, "");
  target_ = co_await servers_.start("target", 1, "");
  co_await follow(options_for(source_->urls().front(), target_->urls().front()));
  const uint64_t first = co_await engine().hold_for(seconds(20));
  const LinkStatus link = engine().status().links.front();
  std::map<std::string, Offset> far;
  far[link.replid] = link.received_offset + 1'000'000;
  std::string ended;
  asio::co_spawn(co_await asio::this_coro::executor, engine().advance(first, std::move(far)),
                 [&](std::exception_ptr error) { ended = error ? "refused" : "advanced"; });
  co_await say(from(), "SET a 1");
  co_await await_key(target_->client_endpoint(), "a");  // it advances
  // Nothing else has its turn between the two.
  engine().release(first);
  const uint64_t second = co_await engine().hold_for(seconds(20));
  co_await fixtures::poll_until(
      seconds(20), "the answer to the advance",
      [&]() -> asio::awaitable<std::string> { co_return ended.empty() ? "none" : ""; });
  EXPECT_EQ(ended, "refused");
  EXPECT_TRUE(engine().status().held);
  engine().release(second);
  co_await say(from(), "SET b 1");
  co_await await_key(target_->client_endpoint(), "b");
  const std::string failure = co_await running_->stop();
  EXPECT_EQ(failure, "");
}

TEST_F(hold, is_not_forgotten_by_an_advance_of_the_one_before) {
  run(released_and_held_while_it_advances());
}

}  // namespace
}  // namespace lockstep::engine
