#include <gtest/gtest.h>

#include "sync/commands/dialect.h"
#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

/// A server that has these commands, "name/arity", and none of the options.
Dialect dialect_of(const std::string& list) {
  Dialect dialect;
  std::istringstream in(list);
  for (std::string word; in >> word;) {
    const size_t slash = word.find('/');
    dialect.learn(word.substr(0, slash), std::stoi(word.substr(slash + 1)));
  }
  dialect.end_of_list();
  return dialect;
}

/// The oldest servers that are supported.
Dialect old_dialect() {
  return dialect_of(
      "set/-3 del/-2 expire/3 move/3 pexpireat/3 persist/2 mset/-3 lpop/2 rpop/2 ltrim/4 lpushx/3 "
      "rpoplpush/3 hset/4 hmset/-4 hdel/-3 zadd/-4 zincrby/4 zremrangebyrank/4 restore/4 bitop/-4 "
      "xgroup/-2 xclaim/-6 xreadgroup/-7 xadd/-5 xsetid/3 xtrim/-2 xdel/-3 geoadd/-5 georadius/-6 "
      "sort/-2");
}

/// What becomes of a request: "as it is", "fence", or what is sent, separated by " · ".
std::string adapted(const Dialect& dialect, const std::string& line) {
  const Request request(line);
  Requests out;
  switch (adapt(dialect, *find(request.args), request.args, out)) {
    case Fit::as_is:
      return "as it is";
    case Fit::fence:
      return "fence";
    case Fit::rewritten:
      break;
  }
  std::string text;
  for (const auto& args : out.all()) {
    if (!text.empty()) text += " · ";
    for (size_t i = 0; i < args.size(); ++i) text += (i > 0 ? " " : "") + std::string(args[i]);
  }
  return text.empty() ? "nothing" : text;
}

struct Case {
  const char* request;
  const char* expected;
};

// A rule is checked against real servers in engine/older_target_test.cc; here what it does by
// itself, and what it must not touch.
const Case cases[] = {
    {"SET k v", "as it is"},
    {"SET k v XX PX 5", "as it is"},
    {"SET k v GET", "SET k v"},
    {"SET k get GET EX 5", "SET k get EX 5"},
    {"SET k v KEEPTTL", "fence"},
    {"SET k v IFEQ keepttl PX 5", "SET k v PX 5"},
    {"SET k v NEW", "as it is"},
    {"SET k v EX", "fence"},
    {"GETDEL k", "DEL k"},
    {"DELIFEQ k v", "DEL k"},
    {"UNLINK a b", "DEL a b"},
    {"GETEX k", "nothing"},
    {"GETEX k PERSIST", "PERSIST k"},
    {"GETEX k EXAT 7", "EXPIREAT k 7"},
    {"MSETEX 2 a 1 b 2 NX PX 5", "MSET a 1 b 2 · PEXPIRE a 5 · PEXPIRE b 5"},
    {"MSETEX 1 a 1 KEEPTTL", "fence"},
    {"MSETEX 5 a 1", "fence"},
    {"EXPIRE k 5", "as it is"},
    {"EXPIRE k 5 GT", "EXPIRE k 5"},
    {"LPOP l", "as it is"},
    {"LPOP l 3", "LTRIM l 3 -1"},
    {"RPOP l 3", "LTRIM l 0 -4"},
    {"LPUSHX l a b", "LPUSHX l a · LPUSHX l b"},
    {"LMOVE a b RIGHT LEFT", "RPOPLPUSH a b"},
    {"LMOVE a b LEFT LEFT", "fence"},
    {"BLMOVE a b right left 0", "RPOPLPUSH a b"},
    {"HSET h f v", "as it is"},
    {"HSET h f v g w", "HMSET h f v g w"},
    {"HSETEX h FNX FIELDS 1 f v", "HMSET h f v"},
    {"HSETEX h KEEPTTL FIELDS 1 f v", "HMSET h f v"},
    {"HSETEX h EX 5 FIELDS 1 f v", "fence"},
    {"HGETDEL h FIELDS 2 f g", "HDEL h f g"},
    {"HPEXPIREAT h 5 FIELDS 1 f", "fence"},
    {"ZADD z 1 a 2 b", "as it is"},
    {"ZADD z GT 1 a", "ZADD z 1 a"},
    {"ZADD z XX INCR 1 a", "ZINCRBY z 1 a"},
    {"ZADD z CH 1 a 2 b", "ZADD z 1 a 2 b"},
    {"ZADD z NX 1 a 2 b", "fence"},
    {"ZPOPMIN z", "ZREMRANGEBYRANK z 0 0"},
    {"ZPOPMAX z 3", "ZREMRANGEBYRANK z -3 -1"},
    {"ZRANGESTORE a b 0 1", "fence"},
    {"GEOADD g CH 1 2 m", "GEOADD g 1 2 m"},
    {"GEORADIUS g 1 2 3 m STORE d", "fence"},
    {"COPY a b", "fence"},
    {"BITOP AND a b", "as it is"},
    {"BITOP ONE a b", "fence"},
    {"MOVE k 1", "fence"},
    {"RESTORE k 0 p REPLACE", "DEL k · RESTORE k 0 p"},
    {"RESTORE k 5 p ABSTTL FREQ 3", "RESTORE k 5 p ABSTTL"},
    {"RESTORE k 0 p ABSTTL IDLETIME 3", "RESTORE k 0 p"},
    {"XADD x NOMKSTREAM MAXLEN = 5 1-1 f v", "XADD x MAXLEN = 5 1-1 f v"},
    {"XADD x MINID 3 5-1 f v", "fence"},
    {"XADD x MAXLEN ~ 3 LIMIT 9 5-1 f v", "fence"},
    {"XADD x KEEPREF 5-1 limit 1", "XADD x 5-1 limit 1"},
    {"XTRIM x MAXLEN = 3", "as it is"},
    {"XTRIM x MINID 3", "fence"},
    {"XDELEX x KEEPREF IDS 2 1-1 2-1", "XDEL x 1-1 2-1"},
    {"XDELEX x ACKED IDS 1 1-1", "fence"},
    {"XSETID x 5-1 ENTRIESADDED 3 MAXDELETEDID 1-1", "XSETID x 5-1"},
    {"XGROUP CREATE x g 0 MKSTREAM ENTRIESREAD 3", "XGROUP CREATE x g 0 MKSTREAM"},
    {"XGROUP DESTROY x g", "as it is"},
    {"XCLAIM x g c 0 1-1 JUSTID", "XCLAIM x g c 0 1-1"},
    {"XCLAIM x justid JUSTID 0 1-1 JUSTID", "XCLAIM x justid JUSTID 0 1-1"},
    {"XAUTOCLAIM x g c 0 0", "fence"},
    {"SPOP s 3", "fence"},
    {"GET k", "as it is"},
};

TEST(Adapt, ToAnOldDialect) {
  const Dialect old = old_dialect();
  for (const Case& each : cases)
    EXPECT_EQ(adapted(old, each.request), each.expected) << each.request;
}

TEST(Adapt, LeavesToTheNewestWhatItKnows) {
  const Dialect newest = Dialect::newest();
  for (const Case& each : cases) {
    const std::string text = adapted(newest, each.request);
    const bool set = std::string(each.request).starts_with("SET ");  // GET is dropped always
    if (!set) {
      EXPECT_EQ(text, "as it is") << each.request;
    }
  }
}

TEST(Adapt, ToFieldsThatExpireWithoutTheNewestCommands) {
  const Dialect dialect = dialect_of("hmset/-4 hexpire/-6 hpexpireat/-6 hpersist/-5");
  EXPECT_EQ(adapted(dialect, "HSETEX h FXX EX 5 FIELDS 2 f v g w"),
            "HMSET h f v g w · HEXPIRE h 5 FIELDS 2 f g");
  EXPECT_EQ(adapted(dialect, "HSETEX h KEEPTTL FIELDS 1 f v"), "fence");
  EXPECT_EQ(adapted(dialect, "HGETEX h PERSIST FIELDS 1 f"), "HPERSIST h FIELDS 1 f");
  EXPECT_EQ(adapted(dialect, "HGETEX h PXAT 5 FIELDS 1 f"), "HPEXPIREAT h 5 FIELDS 1 f");
  EXPECT_EQ(adapted(dialect, "HGETEX h FIELDS 1 f"), "nothing");
}

TEST(Adapt, DropsALimitThatTheSourceHasLeft) {
  EXPECT_EQ(adapted(Dialect::newest(), "XADD x MAXLEN = 3 LIMIT 9 5-1 f v"),
            "XADD x MAXLEN = 3 5-1 f v");
  EXPECT_EQ(adapted(old_dialect(), "XTRIM x MAXLEN = 3 LIMIT 9"), "XTRIM x MAXLEN = 3");
}

TEST(Adapt, AConsumerIsMadeByAsking) {
  EXPECT_EQ(adapted(old_dialect(), "XGROUP CREATECONSUMER x g c"),
            "XREADGROUP GROUP g c STREAMS x 0");
}

TEST(Dialect, LearnsSubcommandsOrTakesThemAll) {
  const Dialect listed = dialect_of("xgroup/-2 xgroup|create/-5");
  EXPECT_TRUE(listed.knows("xgroup create"));
  EXPECT_FALSE(listed.knows("xgroup destroy"));
  const Dialect unlisted = dialect_of("xgroup/-2 module.command/0 vadd/0");
  EXPECT_TRUE(unlisted.knows("xgroup destroy"));
  EXPECT_TRUE(unlisted.knows("vadd"));
  EXPECT_FALSE(unlisted.knows("get"));
}

TEST(Dialect, OfTwoServersIsWhatBothTake) {
  const Dialect both = Dialect::common(dialect_of("lpop/2 set/-3"), dialect_of("lpop/-2 get/2"));
  EXPECT_FALSE(both.knows("set"));
  EXPECT_EQ(adapted(both, "LPOP l"), "as it is");
  EXPECT_EQ(adapted(both, "LPOP l 3"), "LTRIM l 3 -1");
  const Dialect open = Dialect::common(dialect_of("ping/-1"), dialect_of("ping/-2"));
  EXPECT_TRUE(open.knows("ping"));
  EXPECT_FALSE(open.takes(*find(std::array<Bytes, 1>{"ping"}), 1));
}

}  // namespace
}  // namespace lockstep::commands
