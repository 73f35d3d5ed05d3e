// What a user may not do on one side: the rule that is missing is named, and nothing is taken for
// read that was not.

#include <algorithm>
#include <cctype>

#include "verifier/key_entry.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

class Acl : public TwoSides {
 protected:
  /// Keys of each way of reading, alike but for one.
  void fill() {
    on_both({"SET", "s", "v", "EX", "4000"});
    on_both({"PEXPIREAT", "s", "4000000000000"});
    on_both({"RPUSH", "l", "a"});
    on_both({"HSET", "h", "f", "v"});
    on_both({"XADD", "x", "1-1", "f", "v"});
    on_both({"ZADD", "differs", "1", "m"});
    on_target({"ZADD", "differs", "2", "m"});
  }
  /// The user of one side, who may do all but this.
  VerifyOptions without(SideName side, const std::string& rule, ReadMode read) {
    const net::Endpoint server = side == SideName::source ? source() : target();
    ask(server, {"ACL", "SETUSER", "reader", "reset"});
    ask(server, {"ACL", "SETUSER", "reader", "on", ">x", "~*", "&*", "+@all", rule});
    VerifyOptions changed = options();
    changed.read = read;
    std::vector<std::string>& urls = side == SideName::source ? changed.from : changed.to;
    urls.assign(1, "redis://reader:x@" + server.label());
    return changed;
  }
};

struct Missing {
  ReadMode read = ReadMode::scan;
  const char* rule = "";
  const char* named = "";  ///< in the problem; empty: it does without
};

TEST_F(Acl, TheRuleThatIsMissingIsNamed) {
  start();
  if (source_->options().spec.commands < 700) GTEST_SKIP() << "these servers have other commands";
  fill();
  const std::vector<Missing> cases = {{ReadMode::scan, "-scan", "scan"},
                                      {ReadMode::scan, "-dump", "dump"},
                                      {ReadMode::scan, "-pexpiretime", "pexpiretime"},
                                      {ReadMode::scan, "-info", "info"},
                                      {ReadMode::scan, "-multi", "multi"},
                                      {ReadMode::scan, "-mget", ""},
                                      {ReadMode::scan, "-memory", ""},
                                      {ReadMode::scan, "-time", ""},
                                      {ReadMode::scan, "-cluster", "cluster|nodes"},
                                      {ReadMode::scan, "-psync", ""},
                                      {ReadMode::snapshot, "-psync", "psync"},
                                      {ReadMode::snapshot, "-replconf", "replconf"},
                                      {ReadMode::snapshot, "-dump", "dump"},
                                      {ReadMode::snapshot, "-function", "function|list"},
                                      {ReadMode::snapshot, "-scan", ""}};
  for (const SideName side : {SideName::source, SideName::target}) {
    for (const Missing& each : cases) {
      const VerifyReport report = verify(without(side, each.rule, each.read));
      const std::string named = each.named;
      EXPECT_EQ(report.verdict, named.empty() ? Verdict::different : Verdict::unknown)
          << each.rule << ": " << found(report);
      std::string problem = report.problem;
      std::transform(problem.begin(), problem.end(), problem.begin(), ::tolower);
      EXPECT_NE(problem.find(named), std::string::npos) << each.rule << ": " << report.problem;
      if (named.empty()) {
        EXPECT_EQ(found(report), "value differs") << each.rule;
      }
    }
  }
}

/// A key that the user's patterns leave out must not pass for one that is not there.
TEST_F(Acl, KeysThatTheUserMayNotSeeAreNoVerdict) {
  start();
  if (source_->options().spec.commands < 700) GTEST_SKIP() << "these servers have other commands";
  fill();
  on_target({"ACL", "SETUSER", "reader", "on", ">x", "~s*", "&*", "+@all"});
  VerifyOptions changed = options();
  changed.read = ReadMode::scan;
  changed.to = {"redis://reader:x@" + target().label()};
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::unknown) << found(report);
  EXPECT_NE(report.problem, "");
}

}  // namespace
}  // namespace lockstep::verifier
