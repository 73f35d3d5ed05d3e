#include <limits>

#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

/// The requests in `wire`, words separated by spaces, requests by " | ".
std::string readable(const std::string& wire) {
  std::string text;
  for (size_t at = 0; at < wire.size();) {
    const size_t end = wire.find("\r\n", at);
    const size_t number = std::stoull(wire.substr(at + 1, end - at - 1));
    if (wire[at] == '*') {
      if (!text.empty()) text += " |";
      at = end + 2;
      continue;
    }
    if (!text.empty()) text += ' ';
    text += wire.substr(end + 2, number);
    at = end + 2 + number + 2;
  }
  return text;
}

/// What becomes of `line` when the clock stands at 1,000,000 ms and the grace is 500 ms.
std::string rewritten(const std::string& line, bool pxat) {
  const Request request(line);
  std::string out;
  const ExpiryRewrite rewrite{.now_ms = 1000000, .grace_ms = 500, .target_supports_pxat = pxat};
  const size_t count = rewrite_expiry(*find(request.args), request.args, rewrite, out);
  EXPECT_EQ(count, out.empty()                                      ? 0
                   : out.find("PEXPIREAT", 20) == std::string::npos ? 1
                                                                    : 2)
      << line;
  return readable(out);
}
std::string modern(const std::string& line) { return rewritten(line, true); }
std::string old(const std::string& line) { return rewritten(line, false); }

TEST(RewriteExpiry, LeavesOthersAlone) {
  for (const char* line :
       {"SET k v", "SET k ex NX", "SET k v KEEPTTL", "GETEX k", "GETEX k PERSIST", "PERSIST k",
        "RESTORE k 0 p", "HEXPIRE k 9 FIELDS 1 f", "SET k v EX", "SET k v EX nonsense", "INCR k",
        "MSETEX 1 k v", "MSETEX 9 k v EX 1"}) {
    EXPECT_EQ(modern(line), "") << line;
    EXPECT_EQ(old(line), "") << line;
  }
}

TEST(RewriteExpiry, Expire) {
  EXPECT_EQ(modern("EXPIRE k 10"), "PEXPIREAT k 1010500");
  EXPECT_EQ(modern("PEXPIRE k 10 NX"), "PEXPIREAT k 1000510 NX");
  EXPECT_EQ(modern("expireat k 2000 GT"), "PEXPIREAT k 2000500 GT");
  EXPECT_EQ(modern("PEXPIREAT k 2000000"), "PEXPIREAT k 2000500");
  EXPECT_EQ(old("EXPIRE k 10"), "PEXPIREAT k 1010500");
  EXPECT_EQ(modern("EXPIRE k -1"), "PEXPIREAT k 999500");
  EXPECT_EQ(modern("GETEX k EX 10"), "PEXPIREAT k 1010500");
  EXPECT_EQ(old("GETEX k PXAT 10"), "PEXPIREAT k 510");
}

TEST(RewriteExpiry, Set) {
  EXPECT_EQ(modern("SET k v EX 10"), "SET k v PXAT 1010500");
  EXPECT_EQ(modern("SET k px NX px 10 GET"), "SET k px NX PXAT 1000510 GET");
  EXPECT_EQ(modern("SET k v EXAT 2000"), "SET k v PXAT 2000500");
  EXPECT_EQ(modern("SET k v IFEQ ex PXAT 2000"), "SET k v IFEQ ex PXAT 2500");
  EXPECT_EQ(old("SET k v XX EX 10"), "SET k v XX PX 10500 | PEXPIREAT k 1010500");
  EXPECT_EQ(old("SET k v PXAT 5"), "SET k v PX 1 | PEXPIREAT k 505");
  EXPECT_EQ(modern("SETEX k 10 v"), "SET k v PXAT 1010500");
  EXPECT_EQ(old("PSETEX k 10 v"), "PSETEX k 510 v | PEXPIREAT k 1000510");
  EXPECT_EQ(modern("MSETEX 2 a ex b 2 NX EX 10"), "MSETEX 2 a ex b 2 NX PXAT 1010500");
}

TEST(RewriteExpiry, Restore) {
  EXPECT_EQ(modern("RESTORE k 10 p REPLACE"), "RESTORE k 1000510 p REPLACE ABSTTL");
  EXPECT_EQ(modern("RESTORE k 2000000 p ABSTTL REPLACE FREQ 3"),
            "RESTORE k 2000500 p ABSTTL REPLACE FREQ 3");
  EXPECT_EQ(old("RESTORE k 10 p REPLACE"), "RESTORE k 510 p REPLACE | PEXPIREAT k 1000510");
  EXPECT_EQ(old("RESTORE-ASKING k 2000000 p REPLACE ABSTTL FREQ 3"),
            "RESTORE-ASKING k 1000500 p REPLACE FREQ 3 | PEXPIREAT k 2000500");
}

TEST(RewriteExpiry, DoesNotOverflow) {
  EXPECT_EQ(modern("PEXPIREAT k 9223372036854775807"), "PEXPIREAT k 2305843009213693951");
  EXPECT_EQ(modern("EXPIRE k 9223372036854775807"), "PEXPIREAT k 2305843009213693951");
  EXPECT_EQ(modern("EXPIRE k -9223372036854775807"), "PEXPIREAT k -2305843009213693951");
  EXPECT_EQ(old("SET k v PX 9223372036854775807"),
            "SET k v PX 2305843009212693951 | PEXPIREAT k 2305843009213693951");
}

}  // namespace
}  // namespace lockstep::commands
