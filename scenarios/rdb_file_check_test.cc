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
    for (const Words& words : all_planted_)
      co_await ask_server(deployment->client_endpoint(), words);
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
  /// Six keys, in the same state wherever they are written in this order.
  const std::vector<Words> all_planted_ = {
      set_planted_,
      {"RPUSH", "a-list", "a", "b"},
      {"SADD", "a-set", "a", "b"},
      {"HSET", "a-hash", "a", "1", "b", "2"},
      {"ZADD", "a-zset", "0.1", "a", "2", "b"},
      {"XADD", "a-stream", "1-1", "a", "b"},
      {"XGROUP", "CREATE", "a-stream", "group", "0"},
  };
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
    EXPECT_EQ(equal.detail, "3006 keys; missing 0, extra 0, different 0");

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

TEST_F(rdb_files, tell_of_every_type_what_differs) {
  if (!find_rdb_decoder()) GTEST_SKIP() << missing_decoder;
  const auto body = [this]() -> asio::awaitable<void> {
    const Pair pair = co_await start_pair();
    co_await fill(pair.source.get());
    co_await fill(pair.target.get());
    const std::vector<Words> plants = {
        {"LMOVE", "a-list", "a-list", "LEFT", "RIGHT"},
        {"SREM", "a-set", "b"},
        {"HSET", "a-hash", "b", "3"},
        {"ZADD", "a-zset", "0.1000000000000001", "a"},
        {"XGROUP", "CREATECONSUMER", "a-stream", "group", "new"},
    };
    for (const Words& words : plants) co_await ask_server(pair.target->client_endpoint(), words);
    const CheckResult result = co_await check(pair);
    EXPECT_EQ(result.verdict, Verdict::fail);
    for (const char* what :
         {"missing 0, extra 0, different 5;",
          "\"a-hash\" (db 0): hash \"b\": source \"2\", target \"3\"",
          "\"a-list\" (db 0): list \"0000000000\": source \"a\", target \"b\"",
          "\"a-set\" (db 0): set \"b\" only in the source",
          "\"a-stream\" (db 0): stream \"group group consumer new\" only in the target",
          "\"a-zset\" (db 0): zset \"a\": source \"0.10000000000000001\", target "
          "\"0.1000000000000001\""})
      EXPECT_NE(result.detail.find(what), std::string::npos) << what << "\n" << result.detail;
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
