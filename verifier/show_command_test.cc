#include "verifier/show_command.h"

#include <gtest/gtest.h>

namespace lockstep::verifier {
namespace {

TEST(ClientCommand, AsAShellTakesIt) {
  const net::Endpoint plain = net::parse_endpoint("h:1");
  EXPECT_EQ(client_command(plain, DbIndex{0}, "a key", "string"),
            "redis-cli -h h -p 1 GET 'a key'");
  EXPECT_EQ(client_command(plain, DbIndex{3}, "it's $HOME\\", "hash"),
            "redis-cli -h h -p 1 -n 3 HGETALL 'it'\\''s $HOME\\'");
  EXPECT_EQ(client_command(plain, DbIndex{0}, "s", "stream"),
            "redis-cli -h h -p 1 XINFO STREAM 's' FULL");
  EXPECT_EQ(client_command(plain, DbIndex{0}, "a\n'\\", "expiry"),
            "echo 'PTTL \"a\\x0a\\x27\\x5c\"' | redis-cli -h h -p 1");
}

TEST(ClientCommand, APasswordIsNeverShown) {
  const net::Endpoint locked = net::parse_endpoint("rediss://me:secret@h:1?cacert=a b&verify=no");
  EXPECT_EQ(client_command(locked, DbIndex{0}, "k", "list"),
            "redis-cli -h h -p 1 --tls --insecure --cacert 'a b' --user 'me' --askpass LRANGE 'k' "
            "0 -1");
  EXPECT_EQ(client_command(locked, DbIndex{0}, "\n", "list"),
            "echo 'LRANGE \"\\x0a\" 0 -1' | REDISCLI_AUTH=PASSWORD redis-cli -h h -p 1 --tls "
            "--insecure --cacert 'a b' --user 'me'");
}

}  // namespace
}  // namespace lockstep::verifier
