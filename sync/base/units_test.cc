#include "sync/base/units.h"

#include <gtest/gtest.h>

#include "sync/base/bytes.h"
#include "sync/base/error.h"

namespace lockstep {
namespace {

TEST(Units, FormatsForPeople) {
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1'500'000'000), "1.5 GB");
  EXPECT_EQ(format_duration(std::chrono::milliseconds(245'000)), "4 min 05 s");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(123), "123");
}

TEST(Units, PrintableEscapesBinaryAndCuts) {
  EXPECT_EQ(printable(Bytes("a\0\\\xff", 4)), "a\\x00\\\\\\xff");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(Units, ParsesDurationsAndSizes) {
  EXPECT_EQ(parse_duration("1.5s", "--x").count(), 1500);
  EXPECT_EQ(parse_duration("2d", "--x").count(), 172'800'000);
  EXPECT_EQ(parse_size("4MiB", "--x"), 4u << 20);
  for (const char* wrong : {"", "s", "1", "-1s", "1 h"})
    EXPECT_THROW(parse_duration(wrong, "--x"), UserError) << wrong;
}

TEST(Units, OffsetsCountBytes) { EXPECT_EQ((Offset{10} + 5) - Offset{3}, 12); }

TEST(Errors, FormatErrorNamesTheOffset) {
  EXPECT_STREQ(FormatError(17, "unknown type 99").what(), "unknown type 99 at offset 17");
}

}  // namespace
}  // namespace lockstep
