// The table against what servers say of their commands.
#include <algorithm>

#include "fixtures/test_server.h"
#include "sync/commands/test_command_info.h"
#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

using fixtures::for_each_server;
using fixtures::TestServer;

using Find = KeyRule::Find;

/// What COMMAND calls movable: keys that no first, last and step can describe.
bool is_movable(const Spec& spec) {
  return std::ranges::any_of(spec.keys, [](const KeyRule& rule) {
    return rule.find != Find::none && rule.find != Find::range;
  });
}

/// first, last and step as COMMAND would give them for our rules.
std::array<int64_t, 3> legacy_range(const Spec& spec) {
  const KeyRule& begin = spec.keys[0];
  if (begin.find == Find::migrated) return {3, 3, 1};
  if (begin.find != Find::range) return {0, 0, 0};
  const KeyRule& end = spec.keys[1].find == Find::range ? spec.keys[1] : begin;
  return {begin.first, end.last, begin.step};
}

/// Every request that the server takes for well-formed is so for us.
bool arity_covers(int64_t ours, int64_t theirs) {
  if (theirs == 0) return ours < 0;  // COMMAND itself, before 6.0
  if (ours > 0) return ours == theirs;
  return -ours <= std::abs(theirs);
}

/// Deliberate differences: what differs, in which commands, and why ours is right.
struct Exception {
  Bytes what;
  std::vector<Bytes> commands;
  Bytes reason;
};
const Exception exceptions[] = {
    {"write", {"eval", "evalsha", "fcall"}, "a script may write"},
    {"write", {"pfcount"}, "2.8 calls it a write, later versions do not"},
    {"write", {"xgroup"}, "before 7.0 its subcommands were not commands of their own"},
    {"range", {"xgroup", "xinfo", "object"}, "the same: the key is the subcommand's"},
    {"movable", {"memory"}, "the same"},
    {"range", {"spublish", "ssubscribe", "sunsubscribe"}, "a channel is not a key"},
    {"range", {"clusterscan"}, "a cursor is not a key"},
    {"range", {"brpop"}, "before 5.0 only the first key was given"},
    {"range", {"exists", "pfcount", "touch"}, "before 3.0.3 one key; later wrong until 6.0"},
    {"range", {"migrate", "pfdebug"}, "before 6.0 no key was given"},
    {"range", {"xread", "xreadgroup"}, "5.0 gave the name of an option"},
    {"range", {"zunionstore", "zinterstore"}, "before 6.0 the destination was not given"},
    {"movable", {"georadius", "georadiusbymember", "sort", "migrate"}, "not known to old versions"},
    {"movable", {"georadius_ro", "georadiusbymember_ro"}, "5.0 said so of commands without STORE"},
    {"movable", {"sort_ro"}, "its BY and GET patterns name keys that nobody can list"},
};

bool excused(Bytes what, Bytes command) {
  return std::ranges::any_of(exceptions, [&](const Exception& exception) {
    return exception.what == what &&
           std::ranges::find(exception.commands, command) != exception.commands.end();
  });
}

void expect_same(const Info& info, const Spec& spec) {
  if (!excused("write", info.name)) {
    EXPECT_EQ(spec.write, info.has("write")) << info.name;
  }
  EXPECT_TRUE(arity_covers(spec.arity, info.arity))
      << info.name << ": ours " << int{spec.arity} << ", theirs " << info.arity;
  if (!excused("range", info.name)) {
    EXPECT_EQ(legacy_range(spec), info.keys) << info.name;
  }
  if (!excused("movable", info.name)) {
    EXPECT_EQ(is_movable(spec), info.has("movablekeys")) << info.name;
  }
}

TEST(CommandInfo, AgreesWithEveryServer) {
  for_each_server([](TestServer& server) {
    SCOPED_TRACE(server.name());
    const std::vector<Info> infos = commands_of(server);
    EXPECT_GT(infos.size(), 150u);
    for (const Info& info : infos) {
      const Request name(info.name);
      const Spec* spec = find(name.args);
      if (spec == nullptr) {
        ADD_FAILURE() << info.name << " is not in the table";
      } else {
        expect_same(info, *spec);
      }
    }
  });
}

}  // namespace
}  // namespace lockstep::commands
