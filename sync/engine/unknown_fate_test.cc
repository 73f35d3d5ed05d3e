// The connection to the target breaks just before or just after one command of the stream was
// done: nobody knows which, and the target must hold what the source holds all the same.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/cutting_proxy.h"
#include "fixtures/poll_until.h"
#include "fixtures/run.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

using fixtures::Cut;
using fixtures::CuttingProxy;

struct Case {
  const char* name;
  const char* before;  ///< data before the full copy
  const char* during;  ///< in the stream, in one piece
  const char* cut_at;  ///< what the connection breaks at
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

class unknown_fate : public testing::TestWithParam<std::tuple<Case, Cut>> {
 protected:
  Servers servers_;
};

asio::awaitable<void> cut_and_compare(Servers& servers, Case each, Cut cut) {
  auto source = co_await servers.start("source", 1, "");
  auto target = co_await servers.start("target", 1, "");
  const std::string address = servers.next_address();
  CuttingProxy proxy(co_await asio::this_coro::executor, address, target->client_endpoint(),
                     each.cut_at, cut);
  co_await say_together(source->client_endpoint(), each.before);
  RunningEngine running(co_await asio::this_coro::executor,
                        options_for(source->urls().front(), address));
  co_await running.await_streaming();
  co_await say_together(source->client_endpoint(), each.during);
  co_await running.await_applied(source->client_endpoint());
  const std::string wanted = co_await digest(source->client_endpoint());
  EXPECT_EQ(co_await digest(target->client_endpoint()), wanted);
  EXPECT_TRUE(proxy.done());
  EXPECT_EQ(co_await running.stop(), "");
}

TEST_P(unknown_fate, is_settled) {
  const auto& [each, cut] = GetParam();
  fixtures::run(cut_and_compare(servers_, each, cut));
}

const Case cases[] = {
    {"increment", "SET a 1", "INCR a\nINCR a", "INCR"},
    {"move", "SET a 0", "MOVE a 1", "MOVE"},
    {"copy_to_database", "SET a 0", "COPY a b DB 2", "COPY"},
    {"flush", "SET a 0\nSET b 0", "SET a 1\nFLUSHALL\nSET c 1", "FLUSHALL"},
    {"flush_database", "SET a 0\nSET b 0", "SELECT 1\nSET a 1\nFLUSHDB\nSET c 1", "FLUSHDB"},
    {"rename", "SET a 0", "RENAME a b", "RENAME"},
    {"transaction", "SET a 0", "MULTI\nINCR a\nINCR b\nEXEC", "EXEC"},
};

std::string name_of(const testing::TestParamInfo<std::tuple<Case, Cut>>& test) {
  const std::string name = std::get<Case>(test.param).name;
  return name + (std::get<Cut>(test.param) == Cut::before ? "_before" : "_after");
}

INSTANTIATE_TEST_SUITE_P(each, unknown_fate,
                         testing::Combine(testing::ValuesIn(cases),
                                          testing::Values(Cut::before, Cut::after)),
                         name_of);

}  // namespace
}  // namespace lockstep::engine
