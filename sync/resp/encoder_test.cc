#include "sync/resp/encoder.h"

#include <gtest/gtest.h>

namespace lockstep::resp {
namespace {

TEST(Encoder, WritesRequests) {
  std::string out = "x";
  append_command(out, {"GET", ""});
  EXPECT_EQ(out, "x*2\r\n$3\r\nGET\r\n$0\r\n\r\n");
}

TEST(Encoder, NeverBreaksALine) {
  std::string out;
  append_value(out, {.type = Type::simple_string, .text = "a\r\nb"});
  append_value(out, {.type = Type::error, .text = "ERR a\nb"});
  EXPECT_EQ(out, "$4\r\na\r\nb\r\n!7\r\nERR a\nb\r\n");
}

}  // namespace
}  // namespace lockstep::resp
