#include "sync/engine/test_source_versions.h"

#include <boost/asio/this_coro.hpp>

#include "fixtures/program.h"
#include "sync/base/error.h"

namespace lockstep::engine {

std::string why_missing(const fixtures::ServerSpec& spec) {
  if (fixtures::locate(spec)) return "";
  return spec.name + " is not on this machine; lockstep servers install fetches it";
}

asio::awaitable<void> VersionTest::start_pair(fixtures::ServerSpec from, fixtures::ServerSpec to,
                                              std::string source_config) {
  source_ = co_await servers_.start_version(from, "source", 1, 0, source_config);
  target_ = co_await servers_.start_version(to, "target", 1, 0, "");
}

SyncOptions VersionTest::pair_options() const {
  SyncOptions options = options_for(source_->urls().front(), target_->urls().front());
  options.expiry = ExpiryMode::exact;
  return options;
}

asio::awaitable<void> VersionTest::begin(SyncOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  running_ = std::make_unique<RunningEngine>(executor, std::move(options));
  co_await running_->await_streaming();
}

asio::awaitable<resp::Value> VersionTest::write(std::string request) {
  const resp::Value reply = co_await say(source_->client_endpoint(), request);
  if (reply.is_error()) throw UserError(request + ": " + reply.text);
  co_return reply;
}

asio::awaitable<void> VersionTest::expect_equal() {
  co_await running_->await_applied(source_->client_endpoint());
  std::vector<std::string> args{"verify", "--from", source_->urls().front(), "--to",
                                target_->urls().front()};
  const fixtures::Outcome outcome = co_await fixtures::run_lockstep(args, std::chrono::seconds(60));
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
}

asio::awaitable<void> VersionTest::expect_refusal(std::vector<std::string> words) {
  const std::string failure = co_await running_->await_end();
  EXPECT_NE(failure, "");
  for (const std::string& word : words)
    EXPECT_NE(failure.find(word), std::string::npos) << word << " is not in: " << failure;
}

}  // namespace lockstep::engine
