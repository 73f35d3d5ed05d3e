// What a target cannot hold: named before anything is changed, or left out and listed. Commands
// that concern whole databases, or whose meaning has changed, into older targets.

#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures/run_files.h"
#include "sync/engine/test_contents.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

class Unsupported : public EngineTest {
 protected:
  /// A server that has, or has not, each of two commands; empty: none is here.
  static std::string program_with(const std::string& has, const std::string& has_not) {
    for (const std::string& program : fixtures::test_servers()) {
      TestServer server(program, {});
      if (knows(server, has) && (has_not.empty() || !knows(server, has_not))) return program;
    }
    return "";
  }

  /// False, and the test is skipped: there are no such servers here.
  bool start(const std::string& source_has, const std::string& target_has_not,
             TestServer::Args target_args = {}, const std::string& target_has = "GET") {
    const std::string from = program_with(source_has, "");
    const std::string to = program_with(target_has, target_has_not);
    if (from.empty() || to.empty()) return false;
    from_ = std::make_unique<TestServer>(from, TestServer::Args());
    to_ = std::make_unique<TestServer>(to, target_args);
    from_->ask({"CONFIG", "SET", "repl-diskless-sync-delay", "0"});
    return true;
  }

  void say(const std::string& line) { from_->call(words(line)); }

  void begin(asio::any_io_executor executor, OnUnsupported policy) {
    SyncOptions options = options_for(from_->endpoint().label(), to_->endpoint().label());
    options.unsupported = policy;
    options.unsupported_list = list();
    options.expiry = ExpiryMode::exact;
    running_ = std::make_unique<RunningEngine>(executor, options);
  }

  /// A sync that copies, `then` says what else, and ends.
  asio::awaitable<void> sync(std::vector<std::string> then) {
    begin(co_await asio::this_coro::executor, OnUnsupported::report);
    co_await running_->await_streaming();
    for (const std::string& line : then) say(line);
    co_await running_->await_applied(from_->endpoint());
    status_ = running_->engine().status();
    EXPECT_EQ(co_await running_->stop(), "");
  }

  /// Why a sync in mode stop ends, after `then` was said behind its copy.
  asio::awaitable<std::string> failure(std::vector<std::string> then) {
    begin(co_await asio::this_coro::executor, OnUnsupported::stop);
    if (!then.empty()) co_await running_->await_streaming();
    for (const std::string& line : then) say(line);
    co_return co_await running_->await_end();
  }

  void expect_failure(const std::vector<std::string>& then, const std::vector<std::string>& parts) {
    std::string why;
    const auto body = [&]() -> asio::awaitable<void> { why = co_await failure(then); };
    run(body());
    for (const std::string& part : parts) EXPECT_NE(why.find(part), std::string::npos) << why;
  }

  std::string list() const { return directory_.path() / "unsupported.jsonl"; }

  fixtures::TemporaryDirectory directory_;
  std::unique_ptr<TestServer> from_, to_;
  Status status_;
};

TEST_F(Unsupported, IsNamedWithItsCountBeforeTheTargetIsChanged) {
  if (!start("HPEXPIREAT", "XADD")) GTEST_SKIP() << "Skipped: no such servers here; see ci/servers";
  for (const char* line : {"XADD x1 1-1 f v", "XADD x2 1-1 f v", "XADD x3 1-1 f v", "SET s v",
                           "HSET h1 f v", "HPEXPIREAT h1 4102444800000 FIELDS 1 f", "HSET h2 f v",
                           "HPEXPIREAT h2 4102444800000 FIELDS 1 f",
                           "FUNCTION LOAD #!lua~name=a^redis.register_function('f',function()end)"})
    say(line);
  expect_failure({}, {"3 streams", "2 hashes", "1 function", "--unsupported report"});
  EXPECT_EQ(to_->call({"DBSIZE"}).integer, 0);
}

TEST_F(Unsupported, StopsTheTaskWhenTheStreamBringsIt) {
  if (!start("XADD", "XADD")) GTEST_SKIP() << "Skipped: no such servers here; see ci/servers";
  say("SET s v");
  expect_failure({"XADD the-stream 1-1 f v"}, {"the-stream", "--unsupported report"});
}

TEST_F(Unsupported, DatabasesAreNamedOrLeftOut) {
  if (!start("COPY", "COPY", {"--databases", "2"}))
    GTEST_SKIP() << "Skipped: no such servers here; see ci/servers";
  for (const char* line : {"SET a 0", "SELECT 5", "SET a 5", "SET b 5", "SELECT 0"}) say(line);
  expect_failure({}, {"2 keys in database 5", "2 databases", "--unsupported report"});
  run(sync({"SELECT 5", "SET c 5", "MOVE b 0", "COPY a d DB 1", "FLUSHDB", "SET e 5", "SELECT 0",
            "SET f 0", "COPY f g DB 7"}));
  EXPECT_EQ(status_.failed_requests, 0u) << status_.last_failure;
  EXPECT_EQ(to_->call({"GET", "b"}).text, "5");
  EXPECT_EQ(to_->call({"GET", "f"}).text, "0");
  to_->call({"SELECT", "1"});
  EXPECT_EQ(to_->call({"GET", "d"}).text, "5");
  EXPECT_EQ(listed_in(list()), (Names{"5 e", "7 g"}));
}

TEST_F(Unsupported, DatabasesAreSwappedAndFlushed) {
  if (!start("COPY", "SWAPDB")) GTEST_SKIP() << "Skipped: no such servers here; see ci/servers";
  for (const char* line :
       {"SET a 0 PX 864000000", "SET b 0", "RPUSH l 1 2", "XADD x 1-1 f v", "SELECT 1", "SET a 1",
        "SET c 1 PX 864000000", "XADD y 1-1 f v", "SELECT 0"})
    say(line);
  run(sync({"SWAPDB 0 1", "SET d 0", "SELECT 1", "SET e 1", "DEL x"}));
  expect_same(*from_, *to_, listed_in(list()));
  EXPECT_EQ(status_.failed_requests, 0u) << status_.last_failure;
}

TEST_F(Unsupported, FlushesForgetWhatWasLeftOut) {
  if (!start("COPY", "XADD")) GTEST_SKIP() << "Skipped: no such servers here; see ci/servers";
  for (const char* line : {"XADD x 1-1 f v", "SET a v", "SELECT 1", "XADD y 1-1 f v", "SELECT 0"})
    say(line);
  run(sync({"FLUSHDB ASYNC", "SET x text", "SELECT 1", "FLUSHALL SYNC", "SET y text"}));
  expect_same(*from_, *to_, listed_in(list()));
  EXPECT_EQ(listed_in(list()), Names());
  EXPECT_EQ(status_.failed_requests, 0u) << status_.last_failure;
}

/// Since 7.0 a claim of an entry that was deleted lets go of it, which older servers do not do: the
/// reply says so, and the stream is read again.
TEST_F(Unsupported, AClaimOfADeletedEntryIsReadAgain) {
  for (const auto& [with, without] :
       {std::pair("XADD", "XAUTOCLAIM"), std::pair("XAUTOCLAIM", "FUNCTION")}) {
    if (!start("HPEXPIREAT", without, {}, with)) continue;
    SCOPED_TRACE(to_->name());
    for (const char* line : {"XADD x 1-1 f v", "XADD x 2-1 f v", "XGROUP CREATE x g 0",
                             "XREADGROUP GROUP g c STREAMS x >", "XDEL x 1-1"})
      say(line);
    run(sync({"XCLAIM x g d 0 1-1 2-1", "MULTI", "XADD x 3-1 f v", "XGROUP SETID x g 0", "EXEC"}));
    expect_same(*from_, *to_, listed_in(list()));
    EXPECT_EQ(status_.failed_requests, 1u) << status_.last_failure;
  }
}

}  // namespace
}  // namespace lockstep::engine
