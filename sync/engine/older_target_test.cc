// Every write command that a newer server has, with every option, into every older target that is
// here: the target never refuses anything, and holds the same afterwards but for what it cannot
// hold, which the engine has listed.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "fixtures/run_files.h"
#include "fixtures/test_server.h"
#include "sync/commands/test_command_info.h"
#include "sync/engine/older_target_commands.h"
#include "sync/engine/test_contents.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

/// Write commands that this test does not send, and why.
const std::map<std::string, const char*> not_sent = {
    {"flushall", "would leave nothing to compare: DatabasesAsAWhole"},
    {"flushdb", "the same"},
    {"swapdb", "the same"},
    {"migrate", "needs a third server; the stream holds its DEL"},
    {"restore-asking", "only in clusters, while slots move"},
    {"pfdebug", "for the servers' own tests"},
    {"evalsha", "as EVAL"},
    {"function flush", "as FUNCTION DELETE"},
    {"cluster flushslot", "only in clusters"},
};

/// Before 6.0 INCRBYFLOAT becomes a SET that takes the expiry from all replicas.
constexpr const char* float_expiry = "EXPIRE s15 864000";

Names write_commands(TestServer& server) {
  Names names;
  for (const commands::Info& info : commands::commands_of(server)) {
    if (info.has("write")) names.insert(info.name);
  }
  return names;
}

class OlderTarget : public EngineTest, public testing::WithParamInterface<std::string> {
 protected:
  /// Sends what the source does not refuse; returns the commands that it has executed.
  Names play(TestServer& source, const char* text) {
    Names sent;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      std::vector<std::string> args = words(line);
      if (args.empty() || (line == float_expiry && !knows(source, "COPY"))) continue;
      std::ranges::replace(args, "%p", payload_);
      std::ranges::replace(args, "%f", functions_);
      std::ranges::replace(args, "% ", "~");  // words() has made it of %~
      if (source.ask(args).is_error()) continue;
      const std::vector<Bytes> views(args.begin(), args.end());
      if (const commands::Spec* spec = commands::find(views)) sent.insert(std::string(spec->name));
    }
    return sent;
  }

  void expect_all_sent(TestServer& source, const Names& sent) {
    for (const std::string& name : write_commands(source)) {
      const std::vector<Bytes> view{name};
      const commands::Spec* spec = commands::find(view);
      const bool one_word = name.find(' ') == std::string::npos;
      if (one_word && (!spec || spec->is_container)) continue;  // a module's, or before 7.0
      if (not_sent.contains(name)) continue;
      EXPECT_TRUE(sent.contains(name)) << name << " was not tried";
    }
  }

  static void expect_same_functions(TestServer& source, TestServer& target) {
    const auto libraries = [](TestServer& server) {
      std::set<std::string> found;  // servers list them in no order
      for (const resp::Value& library : server.call({"FUNCTION", "LIST", "WITHCODE"}).items) {
        std::string text;
        for (const resp::Value& field : library.items) text += field.text + "\n";
        found.insert(text);
      }
      return found;
    };
    EXPECT_EQ(libraries(target), libraries(source));
    EXPECT_EQ(libraries(target).size(), 2u);
  }

  SyncOptions options(TestServer& source, TestServer& target) {
    SyncOptions options = options_for(source.endpoint().label(), target.endpoint().label());
    options.unsupported = OnUnsupported::report;
    options.unsupported_list = list();
    options.expiry = ExpiryMode::exact;
    options.publish = true;
    return options;
  }

  std::string list() const { return directory_.path() / "unsupported.jsonl"; }

  /// `before` the full copy or behind it, all commands.
  asio::awaitable<void> copy(TestServer& source, TestServer& target, bool before) {
    source.ask({"SET", "payload", "restored"});
    payload_ = source.ask({"DUMP", "payload"}).text;
    source.ask({"FUNCTION", "LOAD",
                "#!lua name=restored\nredis.register_function('r', function() return 1 end)"});
    functions_ = source.ask({"FUNCTION", "DUMP"}).text;
    source.ask({"FUNCTION", "DELETE", "restored"});
    source.ask({"CONFIG", "SET", "repl-diskless-sync-delay", "0"});
    Names sent;
    const auto play_all = [&] {
      for (const char* text : all_commands) sent.merge(play(source, text));
    };
    if (before) play_all();
    const auto executor = co_await asio::this_coro::executor;
    running_ = std::make_unique<RunningEngine>(executor, options(source, target));
    co_await running_->await_streaming();
    if (!before) play_all();
    co_await running_->await_applied(source.endpoint());
    const Status status = running_->engine().status();
    // Whether a module loads a value is only seen by asking it.
    const uint64_t asked = knows(target, "VADD") ? status.links.front().unsupported.modules : 0;
    EXPECT_EQ(status.failed_requests, asked) << status.last_failure;
    EXPECT_EQ(co_await running_->stop(), "");
    expect_all_sent(source, sent);
    if (knows(target, "FCALL")) expect_same_functions(source, target);
    expect_same(source, target, listed_in(list()));
  }

  std::string payload_, functions_;
  fixtures::TemporaryDirectory directory_;
};

struct Release {
  std::string program;
  Names commands;
  uint32_t version = 0;
};

/// Of every server that is here; they are started once.
const std::vector<Release>& releases() {
  static const std::vector<Release> all = [] {
    std::vector<Release> found;
    for (const std::string& program : fixtures::test_servers()) {
      TestServer server(program, {});
      found.push_back({program, write_commands(server), server.version()});
    }
    return found;
  }();
  return all;
}

/// Servers of later releases that have write commands which `target` does not have.
std::vector<std::string> newer_than(const std::string& target) {
  const Release& old = *std::ranges::find(releases(), target, &Release::program);
  std::vector<std::string> newer;
  for (const Release& release : releases()) {
    const bool knows_more = !std::ranges::includes(old.commands, release.commands);
    if (knows_more && release.version >= old.version) newer.push_back(release.program);
  }
  return newer;
}

TEST_P(OlderTarget, AppliesEveryCommand) {
  const auto newer = newer_than(GetParam());
  if (newer.empty()) GTEST_SKIP() << "Skipped: no server here knows more than " << GetParam();
  for (const std::string& program : newer) {
    TestServer source(program, {}), target(GetParam(), {});
    SCOPED_TRACE(source.name() + " into " + target.name());
    run(copy(source, target, false));
  }
}

TEST_P(OlderTarget, HoldsEveryValue) {
  const auto newer = newer_than(GetParam());
  if (newer.empty()) GTEST_SKIP() << "Skipped: no server here knows more than " << GetParam();
  for (const std::string& program : newer) {
    TestServer source(program, {}), target(GetParam(), {});
    SCOPED_TRACE(source.name() + " into " + target.name());
    run(copy(source, target, true));
  }
}

INSTANTIATE_TEST_SUITE_P(Target, OlderTarget, testing::ValuesIn(fixtures::test_servers()),
                         [](const auto& tested) { return "n" + std::to_string(tested.index); });

}  // namespace
}  // namespace lockstep::engine
