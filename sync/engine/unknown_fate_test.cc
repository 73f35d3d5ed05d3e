// The connection to the target breaks just before or just after one command of the stream was
// done: nobody knows which, and the target must hold what the source holds all the same.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/cutting_proxy.h"
#include "fixtures/poll_until.h"
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

class unknown_fate : public EngineTest, public testing::WithParamInterface<std::tuple<Case, Cut>> {
 protected:
  asio::awaitable<void> cut_and_compare(Case each, Cut cut) {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start("target", 1, "");
    const net::Endpoint from = source_->client_endpoint(), to = target_->client_endpoint();
    const std::string address = servers_.next_address();
    CuttingProxy proxy(co_await asio::this_coro::executor, address, to, each.cut_at, cut);
    co_await say_together(from, each.before);
    running_ = std::make_unique<RunningEngine>(co_await asio::this_coro::executor,
                                               options_for(source_->urls().front(), address));
    co_await running_->await_streaming();
    co_await say_together(from, each.during);
    co_await running_->await_applied(from);
    const std::string wanted = co_await digest(from);
    EXPECT_EQ(co_await digest(to), wanted);
    EXPECT_TRUE(proxy.done());
    EXPECT_EQ(co_await running_->stop(), "");
  }
};

TEST_P(unknown_fate, is_settled) {
  const auto& [each, cut] = GetParam();
  run(cut_and_compare(each, cut));
}

const Case cases[] = {
    {"increment", "SET a 1", "INCR a\nINCR a", "INCR"},
    {"swap", "SET a 0\nSELECT 1\nSET b 1", "SET a 2\nSWAPDB 0 1\nSET a 3\nINCR b", "SWAPDB"},
    {"move", "SET a 0", "MOVE a 1", "MOVE"},
    {"copy_to_database", "SET a 0", "COPY a b DB 2", "COPY"},
    {"flush", "SET a 0\nSET b 0", "SET a 1\nFLUSHALL\nSET c 1", "FLUSHALL"},
    {"flush_database", "SET a 0\nSET b 0", "SELECT 1\nSET a 1\nFLUSHDB\nSET c 1", "FLUSHDB"},
    {"flush_in_transaction", "SET a 0\nSET b 0", "MULTI\nSET a 1\nFLUSHALL\nSET c 1\nEXEC",
     "FLUSHALL"},
    {"swap_in_transaction", "SET a 0\nSELECT 1\nSET b 1", "MULTI\nSET a 1\nSWAPDB 0 1\nEXEC",
     "SWAPDB"},
    {"function_delete",
     "FUNCTION LOAD #!lua~name=x^redis.register_function('f',function()~return~1~end)\nSET a 0",
     "FUNCTION DELETE x\nSET a 1", "DELETE"},
    {"function_load", "SET a 0",
     "FUNCTION LOAD #!lua~name=x^redis.register_function('f',function()~return~1~end)\nSET a 1",
     "LOAD"},
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
