#include "scenarios/coverage.h"

#include <gtest/gtest.h>

#include "scenarios/families.h"

namespace lockstep::scenarios {
namespace {

TEST(coverage, of_the_engine_is_the_sum_over_its_links) {
  const Coverage found = coverage_of_engine(
      "{\"links\":[{\"restored\":2,\"fences\":1,\"unsupported\":{\"keys\":3,\"functions\":1}},"
      "{\"restored\":5,\"rewritten\":4,\"unsupported\":{\"commands\":6}}]}");
  EXPECT_EQ(found.at("restored"), 7u);
  EXPECT_EQ(found.at("fences"), 1u);
  EXPECT_EQ(found.at("rewritten"), 4u);
  EXPECT_EQ(found.at("left_out"), 10u);
  EXPECT_EQ(found.at("rebuilt"), 0u);
}

TEST(coverage, of_a_tool_that_says_nothing_is_nothing) {
  EXPECT_TRUE(coverage_of_engine("").empty());
  EXPECT_TRUE(coverage_of_engine("{}").empty());
  EXPECT_TRUE(coverage_of_engine("[1]").empty());
}

TEST(coverage, of_clients_is_of_what_succeeded) {
  ExecutionStats clients;
  clients.commands = 100;
  clients.errors = {{"NOSCRIPT", 40}};
  Coverage found = coverage_of_clients(clients, {"lua", "strings"});
  for (const auto& [event, times] : found) EXPECT_EQ(times, 0u) << event;
  clients.succeeded = {{"EVAL", 2}, {"EVALSHA", 3}, {"FCALL", 4},   {"FLUSHDB", 1},
                       {"EXEC", 6}, {"SET", 7},     {"SELECT", 50}, {"GET", 60}};
  clients.served = 8;
  found = coverage_of_clients(clients, {"lua"});
  EXPECT_EQ(found["scripts"], 5u);
  EXPECT_EQ(found["functions"], 4u);
  EXPECT_EQ(found["flushes"], 1u);
  EXPECT_EQ(found["executed"], 6u);
  EXPECT_EQ(found["blocked"], 8u);
  EXPECT_EQ(found["succeeded"], 5u) << "SET is not what lua is there for";
  EXPECT_EQ(coverage_of_clients(clients, {"strings"})["succeeded"], 7u) << "reads show nothing";
}

TEST(coverage, transactions_of_clients_are_those_that_both_sides_know) {
  const auto applied = [](uint64_t executed, uint64_t stream, uint64_t split) {
    Coverage coverage{
        {"executed", executed}, {"transactions", stream}, {"transactions_split", split}};
    combine_coverage(coverage);
    return coverage["client_transactions"];
  };
  EXPECT_EQ(applied(0, 9, 0), 0u) << "those of scripts";
  EXPECT_EQ(applied(9, 0, 0), 0u) << "none came in the stream";
  EXPECT_EQ(applied(9, 5, 5), 0u) << "none was applied as one";
  EXPECT_EQ(applied(9, 5, 2), 3u);
}

TEST(coverage, every_family_has_commands_that_show_it) {
  for (const std::string& family : family_names()) {
    EXPECT_FALSE(commands_of(family).empty()) << family;
    for (const std::string& command : commands_of(family)) {
      EXPECT_TRUE(command != "GET" && command != "MULTI" && command != ";") << family;
      EXPECT_NE(command.front(), '$') << family;
    }
  }
  EXPECT_EQ(commands_of("functions"), std::vector<std::string>{"FCALL"});
}

/// A key that was left out and is gone by the end was left out nevertheless.
TEST(coverage, of_what_was_left_out_is_the_most_at_one_time) {
  Coverage most;
  note_left_out(coverage_of_engine("{\"links\":[{\"unsupported\":{\"keys\":3,\"streams\":2,"
                                   "\"modules\":1}},{\"unsupported\":{\"streams\":2}}]}"),
                most);
  note_left_out(coverage_of_engine("{\"links\":[{\"unsupported\":{\"keys\":0,\"streams\":0,"
                                   "\"functions\":1}}]}"),
                most);
  EXPECT_EQ(most["left_out_streams"], 4u);
  EXPECT_EQ(most["left_out_modules"], 1u);
  EXPECT_EQ(most["left_out_functions"], 1u);
  EXPECT_EQ(most["left_out_field_expiry"], 0u);
  EXPECT_EQ(most.count("left_out"), 0u) << "a sum, which is of the last status";
}

}  // namespace
}  // namespace lockstep::scenarios
