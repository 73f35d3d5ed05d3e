// The check by RDB files and another program's decoder: two equal copies, and what is planted.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <cstdlib>

#include "fixtures/dataset.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "scenarios/checks.h"
#include "scenarios/rdb_decoder.h"
#include "scenarios/server_facts.h"

namespace lockstep::scenarios {
namespace {

using fixtures::Deployment;
using Words = std::vector<std::string>;

constexpr const char* missing_decoder =
    "Skipped: the RDB decoder is not on this machine; ci/rdb-decoder installs it";

/// A source and a target that live as long as the test's coroutine.
struct Pair {
  std::unique_ptr<Deployment> source, target;
};

class rdb_files : public testing::Test {
 protected:
  asio::awaitable<std::unique_ptr<Deployment>> start(std::string name) {
    fixtures::DeploymentOptions options;
    options.name = std::move(name);
    options.spec = fixtures::default_server();
    auto executor = co_await asio::this_coro::executor;
    co_return co_await Deployment::start(executor, addresses_, directory_.path(), options);
  }
  asio::awaitable<Pair> start_pair() {
    Pair pair;
    std::string source = "source", target = "target";
    pair.source = co_await start(source);
    pair.target = co_await start(target);
    co_return pair;
  }
  /// The same data in both.
  asio::awaitable<void> fill(const Deployment* deployment) {
    fixtures::DatasetOptions options;
    options.keys = 3000;
    options.mix = fixtures::Mix::everything;
    options.expiries = 0.2;
    options.databases = 3;
    options.now_ms = now_ms_;
    std::vector<net::Endpoint> servers{deployment->client_endpoint()};
    co_await fixtures::load_dataset(servers, options);
    co_await ask_server(deployment->client_endpoint(), set_planted_);
  }
  asio::awaitable<CheckResult> check(const Pair& pair) {
    Comparison comparison;
    comparison.source = pair.source.get();
    comparison.target = pair.target.get();
    comparison.directory = directory_.path();
    co_return co_await check_rdb_files(comparison);
  }
  /// The check names `what` after `planted` on the target, which is then put back.
  asio::awaitable<void> expect_found(const Pair& pair, Words planted, Words undo,
                                     std::string what) {
    co_await ask_server(pair.target->client_endpoint(), planted);
    const CheckResult result = co_await check(pair);
    EXPECT_EQ(result.verdict, Verdict::fail);
    EXPECT_NE(result.detail.find(what), std::string::npos) << result.detail;
    co_await ask_server(pair.target->client_endpoint(), undo);
  }

  int64_t now_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  Words set_planted_{"SET", "planted", "value", "PXAT", std::to_string(now_ms_ + 100'000'000)};
  fixtures::TemporaryDirectory directory_;
  fixtures::AddressPlan addresses_;
};

TEST_F(rdb_files, of_equal_copies_are_equal_and_each_planted_difference_is_found) {
  if (!find_rdb_decoder()) GTEST_SKIP() << missing_decoder;
  const auto body = [this]() -> asio::awaitable<void> {
    const Pair pair = co_await start_pair();
    co_await fill(pair.source.get());
    co_await fill(pair.target.get());
    const CheckResult equal = co_await check(pair);
    EXPECT_EQ(equal.verdict, Verdict::pass) << equal.detail;
    EXPECT_EQ(equal.detail, "3001 keys; missing 0, extra 0, different 0");

    const std::string different =
        "missing 0, extra 0, different 1; first different \"planted\" (db 0): ";
    Words words{"SETRANGE", "planted", "4", "X"};
    std::string what = different + "string \"value\": source \"value\", target \"valuX\"";
    co_await expect_found(pair, words, set_planted_, what);
    words = {"PEXPIREAT", "planted", std::to_string(now_ms_ + 100'002'000)};
    what = different + "expiry: source ";
    co_await expect_found(pair, words, set_planted_, what);
    words = {"PERSIST", "planted"};
    what = ", target none";
    co_await expect_found(pair, words, set_planted_, what);
    words = {"DEL", "planted"};
    what = "missing 1, extra 0, different 0; first missing \"planted\" (db 0)";
    co_await expect_found(pair, words, set_planted_, what);
    words = {"SADD", "one-more", "a"};
    Words undo{"DEL", "one-more"};
    what = "missing 0, extra 1, different 0; first extra \"one-more\" (db 0)";
    co_await expect_found(pair, words, undo, what);
  };
  fixtures::run(body());
}

TEST_F(rdb_files, without_the_decoder_nothing_is_said) {
  const auto body = [this]() -> asio::awaitable<void> {
    const Pair pair = co_await start_pair();
    setenv("LOCKSTEP_RDB_DECODER", "/nowhere/rdb", 1);
    const CheckResult result = co_await check(pair);
    unsetenv("LOCKSTEP_RDB_DECODER");
    EXPECT_EQ(result.verdict, Verdict::skipped);
    EXPECT_NE(result.detail.find("ci/rdb-decoder"), std::string::npos);
    std::vector<CheckResult> checks{result};
    EXPECT_EQ(worst_of(checks), Verdict::unknown);
    checks.push_back({"other", Verdict::pass, ""});
    EXPECT_EQ(worst_of(checks), Verdict::pass);
  };
  fixtures::run(body());
}

}  // namespace
}  // namespace lockstep::scenarios
