#include <gtest/gtest.h>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"
#include "sync/resp/parser.h"

namespace lockstep::resp {
namespace {

using Args = std::vector<std::string>;

Args parse_args(Bytes input, Limits limits = {}) {
  CommandParser parser(limits);
  EXPECT_EQ(parser.parse(input), input.size()) << printable(input);
  return {parser.args().begin(), parser.args().end()};
}

TEST(CommandParser, ReadsMultibulkRequests) {
  std::string request;
  append_command(request, {"SET", "k\r\n", Bytes("\0\xff", 2), ""});
  EXPECT_EQ(parse_args(request), (Args{"SET", "k\r\n", std::string("\0\xff", 2), ""}));
}

TEST(CommandParser, ReadsNothingAsNoArguments) {
  for (const char* input : {"\n", "\r\n", "  \r\n", "*0\r\n", "*-1\r\n"}) {
    EXPECT_EQ(parse_args(input), Args{}) << printable(input);
  }
}

TEST(CommandParser, SplitsInlineCommandsAsTheServersDo) {
  EXPECT_EQ(parse_args("PING\r\n"), Args{"PING"});
  EXPECT_EQ(parse_args(" set  k\tv \n"), (Args{"set", "k", "v"}));
  EXPECT_EQ(parse_args(R"(a "b \x41\n\"q" 'c\'d \n' e"f g")"
                       "\n"),
            (Args{"a", "b A\n\"q", "c'd \\n", "ef g"}));
  EXPECT_EQ(parse_args("\"\" ''\n"), (Args{"", ""}));
}

TEST(CommandParser, RefusesUnbalancedQuotes) {
  for (const char* input : {"a \"b\n", "a 'b\n", "\"a\"b\n", "'a'b\n", "a \"b\\\n", "\"\\x4\n"}) {
    EXPECT_THROW(CommandParser().parse(input), FormatError) << input;
  }
}

TEST(CommandParser, RefusesBrokenRequests) {
  for (const char* input : {"*x\r\n", "*1\r\n:1\r\n", "*1\r\n$-1\r\n", "*1\r\n$1\r\nab\r\n", "*1\n",
                            "*1\r\n$1x\r\n", "*9999999999999999999\r\n"}) {
    EXPECT_THROW(CommandParser().parse(input), FormatError) << input;
  }
}

TEST(CommandParser, EnforcesLimitsBeforeTheBytesCome) {
  const Limits limits{.bulk_bytes_max = 3, .elements_max = 2, .line_bytes_max = 8};
  EXPECT_EQ(parse_args("*2\r\n$3\r\nabc\r\n$0\r\n\r\n", limits), (Args{"abc", ""}));
  EXPECT_EQ(parse_args("12345678\n", limits), Args{"12345678"});
  for (const char* input : {"*3\r\n", "*1\r\n$4\r\n", "1234567890"}) {
    EXPECT_THROW(CommandParser(limits).parse(input), FormatError) << input;
  }
}

TEST(CommandParser, FollowsBytesThatMoveWhileItWaits) {
  std::string stream;
  append_command(stream, {"SET", "key", "value"});
  append_command(stream, {"DEL", "key"});
  CommandParser parser;
  std::vector<Args> got;
  size_t begin = 0;
  for (size_t end = 1; end <= stream.size(); ++end) {
    const std::string copy = stream.substr(begin, end - begin);  // new memory each time
    if (const auto length = parser.parse(copy)) {
      got.emplace_back(parser.args().begin(), parser.args().end());
      begin += *length;
    }
  }
  EXPECT_EQ(got, (std::vector<Args>{{"SET", "key", "value"}, {"DEL", "key"}}));
}

}  // namespace
}  // namespace lockstep::resp
