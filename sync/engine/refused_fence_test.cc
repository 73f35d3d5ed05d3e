// A fence whose payload the target refuses, when a later command on the key was done already.

#include <boost/asio/this_coro.hpp>
#include <csignal>

#include "fixtures/cutting_proxy.h"
#include "fixtures/poll_until.h"
#include "sync/engine/test_source_versions.h"

namespace lockstep::engine {
namespace {

using fixtures::CuttingProxy;
using std::chrono::seconds;

/// Does not know COPY, so that the copy is read from the source.
constexpr const char* older = "first-with-streams";
constexpr const char* restore_of_b = "RESTORE\r\n$1\r\nb\r\n";

class refused_fence : public VersionTest {
 protected:
  asio::awaitable<void> await_true(std::string what, std::function<bool()> condition) {
    co_await fixtures::poll_until(seconds(20), what, [&]() -> asio::awaitable<std::string> {
      co_return condition() ? "" : "not yet";
    });
  }
  asio::awaitable<void> body();
};

asio::awaitable<void> refused_fence::body() {
  source_ = co_await servers_.start("source", 1, "");
  target_ = co_await servers_.start_version(server(older), "target", 1, 0, "");
  const std::string address = servers_.next_address();
  CuttingProxy proxy(co_await asio::this_coro::executor, address, target_->client_endpoint(),
                     restore_of_b, fixtures::Cut::damage);
  co_await write("SET a old");
  co_await begin(options_for(source_->urls().front(), address));
  co_await target_->servers().front()->signal(SIGSTOP);
  co_await write("COPY a b");
  co_await await_true("the fence", [&] { return proxy.done(); });
  const Offset before = running_->engine().status().links.front().received_offset;
  co_await write("SET b new");
  co_await await_true("the later command", [&] {
    return before < running_->engine().status().links.front().received_offset;
  });
  co_await target_->servers().front()->signal(SIGCONT);
  co_await running_->await_applied(source_->client_endpoint());
  const resp::Value b = co_await say(target_->client_endpoint(), "GET b");
  EXPECT_EQ(b.text, "new");
  EXPECT_EQ(running_->engine().status().failed_requests, 1u);
  const std::string failure = co_await running_->stop();
  EXPECT_EQ(failure, "");
}

TEST_F(refused_fence, does_not_bring_an_older_value_back) {
  if (!why_missing(server(older)).empty())
    GTEST_SKIP() << "Skipped: " << why_missing(server(older));
  run(body());
}

}  // namespace
}  // namespace lockstep::engine
