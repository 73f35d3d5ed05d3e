#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

Replay replay_of(const std::string& line) {
  const Request request(line);
  return replay(*find(request.args), request.args);
}

TEST(Replay, Exact) {
  for (const char* line : {"SET k v",
                           "SET k v PXAT 5",
                           "SET k v KEEPTTL GET",
                           "MSET a 1 b 2",
                           "DEL a b",
                           "HSET k f v",
                           "SADD k m",
                           "ZADD k 1 m",
                           "ZADD k CH 1 nx",
                           "SETBIT k 1 1",
                           "BITFIELD k SET u8 0 1",
                           "RESTORE k 0 p REPLACE",
                           "RESTORE k 5 p REPLACE ABSTTL",
                           "XADD k 5-1 f v",
                           "XADD k MAXLEN ~ 5 LIMIT 3 5-1 f v",
                           "XDEL k 5-1",
                           "PFADD k e",
                           "HSETEX k FIELDS 1 f v",
                           "MSETEX 1 k v PXAT 5",
                           "SELECT 1",
                           "PING",
                           "GETDEL k"}) {
    EXPECT_EQ(replay_of(line), Replay::exact) << line;
  }
}

TEST(Replay, ExpiryUnsure) {
  for (const char* line :
       {"SET k v EX 5", "SETEX k 5 v", "SREM k m", "HDEL k f", "ZREM k m", "ZREMRANGEBYSCORE k 0 1",
        "RESTORE k 5 p REPLACE", "HSETEX k PXAT 5 FIELDS 1 f v"}) {
    EXPECT_EQ(replay_of(line), Replay::expiry) << line;
  }
}

TEST(Replay, Fence) {
  for (const char* line : {"INCR k",
                           "APPEND k v",
                           "LPUSH k v",
                           "LPOP k",
                           "RENAME a b",
                           "EVAL s 1 k",
                           "SET k v NX",
                           "SET k v IFEQ w",
                           "SET k v XX EX 5",
                           "ZADD k GT 1 m",
                           "ZADD k CH XX 1 m",
                           "ZADD k INCR 1 m",
                           "GEOADD k NX 1 2 m",
                           "SETNX k v",
                           "HSETNX k f v",
                           "RESTORE k 0 p",
                           "EXPIRE k 5",
                           "PEXPIREAT k 5",
                           "PERSIST k",
                           "GETEX k PERSIST",
                           "SUNIONSTORE d a b",
                           "COPY a b",
                           "BITOP NOT a b",
                           "PFMERGE a b",
                           "XADD k * f v",
                           "XADD k NOMKSTREAM 5-1 f v",
                           "XADD k 5-* f v",
                           "XTRIM k MAXLEN 5",
                           "XTRIM k MINID = 5-1",
                           "XDEL k 5-1 6-1",
                           "XCLAIM k g c 0 5-1",
                           "SMOVE a b m",
                           "SPOP k",
                           "LTRIM k 0 1",
                           "MOVE k 1",
                           "BITFIELD k SET u8 0 1 INCRBY u8 0 1",
                           "HEXPIRE k 5 FIELDS 1 f",
                           "SWAPDB 0 1",
                           "PUBLISH c m",
                           "HSETEX k FNX FIELDS 1 f v",
                           "MSETEX 1 k v NX"}) {
    EXPECT_EQ(replay_of(line), Replay::fence) << line;
  }
}

}  // namespace
}  // namespace lockstep::commands
