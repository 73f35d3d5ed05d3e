// What the clients of a real server count of its replies.

#include "scenarios/executor.h"

#include <gtest/gtest.h>

#include "fixtures/run.h"
#include "fixtures/test_server.h"
#include "scenarios/words.h"

namespace lockstep::scenarios {
namespace {

struct Line {
  uint32_t connection, at_ms;
  const char* words;
};

class executor : public testing::Test {
 protected:
  ExecutionStats play(const std::vector<Line>& lines) {
    std::vector<TimedCommand> commands;
    for (const Line& line : lines) {
      std::vector<std::string> args = split_words(line.words);
      std::string key = args.size() > 1 ? args[1] : "";
      commands.push_back({line.connection, line.at_ms, std::move(key), std::move(args)});
    }
    return fixtures::run(execute(std::move(commands), server_.endpoint()));
  }

  fixtures::TestServer server_;
};

TEST_F(executor, a_command_that_waits_for_another_client_is_served) {
  const ExecutionStats stats = play({{5, 0, "BLPOP list 5"},
                                     {0, 500, "SET a 1"},
                                     {0, 500, "SET b 1"},
                                     {0, 500, "SET c 1"},
                                     {0, 500, "SET d 1"},
                                     {0, 500, "SET e 1"},
                                     {0, 500, "RPUSH list x"}});
  EXPECT_EQ(stats.served, 1u);
  EXPECT_EQ(stats.succeeded.at("BLPOP"), 1u);
}

TEST_F(executor, one_that_finds_an_element_or_gets_none_is_not) {
  const ExecutionStats stats = play({{0, 0, "RPUSH list x"},
                                     {0, 0, "BLPOP list 5"},
                                     {0, 0, "BLPOP nothing 1"},
                                     {1, 0, "SET a 1"},
                                     {1, 100, "SET b 1"},
                                     {1, 100, "SET c 1"},
                                     {1, 100, "SET d 1"}});
  EXPECT_EQ(stats.served, 0u);
  EXPECT_EQ(stats.succeeded.at("BLPOP"), 1u) << "nil is no success";
}

TEST_F(executor, what_is_refused_is_no_success) {
  const ExecutionStats stats = play({{0, 0, "SET key v"},
                                     {0, 0, "LPUSH key x"},
                                     {0, 0, "EVALSHA 0000000000000000000000000000000000000000 0"},
                                     {0, 0, "GET nothing"}});
  EXPECT_EQ(stats.succeeded, (std::map<std::string, uint64_t>{{"SET", 1}}));
  EXPECT_EQ(stats.commands, 4u);
}

TEST_F(executor, a_transaction_succeeds_at_its_exec) {
  const ExecutionStats stats = play({{0, 0, "MULTI"},
                                     {0, 0, "SET key v"},
                                     {0, 0, "LPUSH key x"},
                                     {0, 0, "EXEC"},
                                     {0, 0, "MULTI"},
                                     {0, 0, "LPUSH key x"},
                                     {0, 0, "EXEC"},
                                     {0, 0, "MULTI"},
                                     {0, 0, "SET key w"},
                                     {0, 0, "DISCARD"}});
  EXPECT_EQ(stats.succeeded.at("SET"), 1u) << "what was discarded did not happen";
  EXPECT_EQ(stats.succeeded.at("EXEC"), 1u) << "nothing of the second one happened";
  EXPECT_EQ(stats.succeeded.count("LPUSH"), 0u);
}

}  // namespace
}  // namespace lockstep::scenarios
