// Repair of libraries of functions.

#include <map>

#include "verifier/repair.h"
#include "verifier/test_sync.h"
#include "verifier/undo.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

class RepairFunctions : public TwoSidesAndEngine {
 protected:
  /// A library with one function.
  void load(const net::Endpoint& server, const std::string& name, const std::string& function,
            int result) {
    ask(server, {"FUNCTION", "LOAD", "REPLACE",
                 "#!lua name=" + name + "\nredis.register_function('" + function +
                     "', function() return " + std::to_string(result) + " end)"});
  }
  bool knows_functions() const {
    return source_->options().spec.commands >= 700 && target_->options().spec.commands >= 700;
  }
  /// The code of each library, by its name.
  std::map<std::string, std::string> libraries(const net::Endpoint& server) {
    std::map<std::string, std::string> result;
    for (const resp::Value& library : ask(server, {"FUNCTION", "LIST", "WITHCODE"}).items) {
      std::string name, code;
      for (size_t i = 0; i + 1 < library.items.size(); i += 2) {
        if (library.items[i].text == "library_name") name = library.items[i + 1].text;
        if (library.items[i].text == "library_code") code = library.items[i + 1].text;
      }
      result[name] = code;
    }
    return result;
  }
  std::vector<std::map<std::string, std::string>> all_libraries() {
    std::vector<std::map<std::string, std::string>> all;
    for (fixtures::Server* server : target_->primaries())
      all.push_back(libraries(server->endpoint()));
    return all;
  }
  std::filesystem::path out() const { return directory_.path() / "out"; }
  VerifyReport repair(VerifyOptions how, RepairOptions with = {}) {
    how.report = out();
    return verify_and_repair(how, with);
  }
  UndoReport undone() { return undo({.journal = out() / "repair.jsonl", .to = {}}); }
};

TEST_F(RepairFunctions, OnEveryPrimaryAndUndone) {
  start(Topology::standalone, Topology::cluster);
  if (!knows_functions()) GTEST_SKIP() << "these servers know no functions";
  for (const char* name : {"same", "other", "missing"}) load(source(), name, name, 1);
  load(source(), "taker", "moved", 1);
  on_source({"SET", "other", "a key of that name"});
  for (fixtures::Server* server : target_->primaries())
    load(server->endpoint(), "same", "same", 1), load(server->endpoint(), "other", "other", 2);
  load(target_->primaries()[0]->endpoint(), "extra", "moved", 1);  // the name that "taker" needs
  load(target_->primaries()[2]->endpoint(), "missing", "missing", 1);
  const auto before = all_libraries();

  const VerifyReport planned = repair(options(), {.dry_run = true});
  EXPECT_EQ(found(planned),
            "function extra, function missing, function other, function taker, missing other");
  EXPECT_EQ(planned.repair->written, 4u);
  EXPECT_EQ(planned.repair->removed, 1u);
  EXPECT_EQ(all_libraries(), before);

  const VerifyReport report = repair(options());
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report) << report.repair->left_why;
  EXPECT_EQ(report.repair->written, 4u);
  EXPECT_EQ(report.repair->removed, 1u);
  EXPECT_EQ(report.repair->left, 0u) << report.repair->left_why;
  for (const auto& each : all_libraries()) EXPECT_EQ(each, libraries(source()));

  EXPECT_EQ(undone().changed, 0u);
  EXPECT_EQ(all_libraries(), before);
  EXPECT_EQ(undone().restored, 0u);
}

TEST_F(RepairFunctions, UndoLeavesWhatWasChangedSince) {
  start();
  if (!knows_functions()) GTEST_SKIP() << "these servers know no functions";
  load(source(), "a", "a", 1);
  load(source(), "b", "b", 1);
  load(target(), "a", "a", 2);
  EXPECT_EQ(repair(options()).verdict, Verdict::equal);
  load(target(), "a", "a", 3);
  const UndoReport report = undone();
  EXPECT_EQ(report.restored, 1u);
  EXPECT_EQ(report.samples, std::vector<std::string>{"library a"});
  const auto now = libraries(target());
  EXPECT_FALSE(now.contains("b"));
  EXPECT_NE(now.at("a").find("return 3"), std::string::npos);
}

/// Each has the name that the other needs: neither can be loaded first.
TEST_F(RepairFunctions, WhatTheServerRefusesIsLeft) {
  start();
  if (!knows_functions()) GTEST_SKIP() << "these servers know no functions";
  load(source(), "a", "f", 1);
  load(source(), "b", "g", 1);
  load(target(), "a", "g", 1);
  load(target(), "b", "f", 1);
  const auto before = all_libraries();
  const VerifyReport report = repair(options());
  EXPECT_EQ(found(report), "function a, function b");
  EXPECT_EQ(report.repair->left, 2u);
  EXPECT_NE(report.repair->left_why.find("already exists"), std::string::npos)
      << report.repair->left_why;
  EXPECT_EQ(all_libraries(), before);
}

TEST_F(RepairFunctions, WhileAnEngineAppliesOthers) {
  start();
  if (!knows_functions()) GTEST_SKIP() << "these servers know no functions";
  load(source(), "still", "still", 1);
  start_engine();
  const Writer writer({source()}, [](int round) -> std::vector<Writer::Request> {
    return {{0,
             {"FUNCTION", "LOAD", "REPLACE",
              "#!lua name=busy\nredis.register_function('busy', function() return " +
                  std::to_string(round) + " end)"}},
            {0, {"INCR", "count"}},
            {0, {"PING"}}};
  });
  ask_until(target(), {"FUNCTION", "LIST", "LIBRARYNAME", "busy"},
            [](const resp::Value& listed) { return !listed.items.empty(); });
  load(target(), "still", "still", 2);
  load(target(), "extra", "extra", 1);
  const VerifyReport report = repair(options_with(CutMode::position));
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  EXPECT_EQ(report.repair->written, 1u);
  EXPECT_EQ(report.repair->removed, 1u);
  EXPECT_EQ(report.repair->problem, "");
}

}  // namespace
}  // namespace lockstep::verifier
