#include "sync/resp/parser.h"

#include <gtest/gtest.h>

#include <limits>

#include "sync/base/error.h"

namespace lockstep::resp {
namespace {

Value parse_one(Bytes input, Limits limits = {}) {
  Parser parser(limits);
  const auto length = parser.parse(input);
  EXPECT_EQ(length, input.size()) << printable(input);
  return parser.value();
}

Value bulk(std::string text) { return {.type = Type::bulk_string, .text = std::move(text)}; }
Value integer(int64_t number) { return {.type = Type::integer, .integer = number}; }

TEST(Parser, ReadsEveryLineType) {
  EXPECT_TRUE(parse_one("+OK\r\n").is_ok());
  EXPECT_EQ(parse_one("-ERR no such key\r\n").error_code(), "ERR");
  EXPECT_EQ(parse_one("-LOADING\r\n").error_code(), "LOADING");
  EXPECT_EQ(parse_one(":-9223372036854775808\r\n"), integer(INT64_MIN));
  EXPECT_EQ(parse_one(":+7\r\n"), integer(7));
  EXPECT_EQ(parse_one("#t\r\n").integer, 1);
  EXPECT_EQ(parse_one(",-1.5e3\r\n").number, -1500);
  EXPECT_EQ(parse_one(",-inf\r\n").number, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_one("(123456789012345678901\r\n").text, "123456789012345678901");
  EXPECT_EQ(parse_one("+\r\n").text, "");
}

TEST(Parser, ReadsEveryNullAsNull) {
  for (const char* input : {"_\r\n", "$-1\r\n", "*-1\r\n"}) {
    EXPECT_TRUE(parse_one(input).is_null()) << input;
  }
}

TEST(Parser, ReadsStringsThatHoldLineEnds) {
  EXPECT_EQ(parse_one("$4\r\n\r\n\r\n\r\n"), bulk("\r\n\r\n"));
  EXPECT_EQ(parse_one("$0\r\n\r\n"), bulk(""));
  EXPECT_EQ(parse_one("=7\r\ntxt:abc\r\n").text, "abc");
  EXPECT_EQ(parse_one("!9\r\nSYNTAX no\r\n").error_code(), "SYNTAX");
}

TEST(Parser, ReadsNestedAggregates) {
  const Value value = parse_one("*3\r\n%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n*0\r\n>1\r\n$1\r\nx\r\n");
  ASSERT_EQ(value.items.size(), 3u);
  EXPECT_EQ(value.items[0].type, Type::map);
  EXPECT_EQ(value.items[0].items[1].items[1], integer(2));
  EXPECT_TRUE(value.items[1].items.empty());
  EXPECT_EQ(value.items[2].type, Type::push);
  EXPECT_EQ(value.items[2].items[0], bulk("x"));
}

TEST(Parser, DropsAttributesWhereverTheyStand) {
  const char* const plain = "*2\r\n:1\r\n:2\r\n";
  EXPECT_EQ(parse_one("|1\r\n+ttl\r\n:9\r\n*2\r\n|0\r\n:1\r\n|1\r\n*1\r\n:5\r\n|1\r\n+a\r\n+b\r\n+c"
                      "\r\n:2\r\n"),
            parse_one(plain));
}

TEST(Parser, LeavesWhatFollowsTheMessage) {
  Parser parser;
  Bytes input = "+OK\r\n:1\r\n$1";
  EXPECT_EQ(parser.parse(input), 5u);
  input.remove_prefix(5);
  EXPECT_EQ(parser.parse(input), 4u);
  EXPECT_EQ(parser.value(), integer(1));
  input.remove_prefix(4);
  EXPECT_EQ(parser.parse(input), std::nullopt);
}

TEST(Parser, SaysHowMuchItNeeds) {
  Parser parser;
  EXPECT_EQ(parser.parse("$1000\r\nabc"), std::nullopt);
  EXPECT_EQ(parser.needed(), 1009u);
}

TEST(Parser, RefusesWhatIsNotResp) {
  for (const char* input : {"HTTP/1.1 400",
                            "+OK\n",
                            "$abc\r\n",
                            "$1\r\nab\r\n",
                            "$-2\r\n",
                            "*-2\r\n",
                            "!-1\r\n",
                            ":\r\n",
                            ":1x\r\n",
                            "#x\r\n",
                            "_x\r\n",
                            ",1.5x\r\n",
                            "(12a\r\n",
                            "=3\r\nabc\r\n",
                            "$?\r\n",
                            "*?\r\n",
                            "$99999999999999999999\r\n",
                            ":9223372036854775808\r\n",
                            "\r\n",
                            "*1\r",
                            "*1\rx"}) {
    Parser parser;
    if (Bytes(input) == "*1\r") {
      EXPECT_EQ(parser.parse(input), std::nullopt);
    } else {
      EXPECT_THROW(parser.parse(input), FormatError) << input;
    }
  }
}

TEST(Parser, NamesTheOffsetInTheWholeStream) {
  Parser parser;
  ASSERT_EQ(parser.parse("+OK\r\n"), 5u);
  try {
    parser.parse("*2\r\n:1\r\n?");
    FAIL();
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), 13u);
  }
}

TEST(Parser, EnforcesLimitsBeforeTheBytesCome) {
  const Limits limits{.bulk_bytes_max = 10, .elements_max = 4, .line_bytes_max = 8, .depth_max = 2};
  EXPECT_NO_THROW(parse_one("$10\r\n0123456789\r\n", limits));
  EXPECT_NO_THROW(parse_one("*1\r\n*1\r\n:1\r\n", limits));
  EXPECT_NO_THROW(parse_one("+12345678\r\n", limits));
  for (const char* input :
       {"$11\r\n", "*5\r\n", "%3\r\n", "*1\r\n*1\r\n*1\r\n", "+1234567890", "+123456789\r\n",
        "*3\r\n*4\r\n", "*999999999999999999\r\n", "%999999999999999999\r\n"}) {
    EXPECT_THROW(Parser(limits).parse(input), FormatError) << input;
  }
}

}  // namespace
}  // namespace lockstep::resp
