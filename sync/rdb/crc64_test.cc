#include "sync/rdb/crc64.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace lockstep::rdb {
namespace {

/// One bit at a time, from the definition.
uint64_t crc64_obvious(uint64_t crc, Bytes data) {
  for (const char byte : data) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x95ac9329ac4bc9b5 : 0);
  }
  return crc;
}

std::string some_bytes(size_t length) {
  return *rc::gen::resize(100, rc::gen::container<std::string>(length, rc::gen::arbitrary<char>()));
}

TEST(Crc64, GivesThePublishedCheckValue) {
  EXPECT_EQ(crc64(0, "123456789"), 0xe9c6d914c4b8d9ca);
  EXPECT_EQ(crc64_tables(0, "123456789"), 0xe9c6d914c4b8d9ca);
}

RC_GTEST_PROP(Crc64, AgreesWithItsDefinition, (uint64_t start)) {
  const std::string data = some_bytes(*rc::gen::inRange<size_t>(0, 1200));
  const uint64_t expected = crc64_obvious(start, data);
  RC_ASSERT(crc64(start, data) == expected);
  RC_ASSERT(crc64_tables(start, data) == expected);
  if (crc64_has_carryless()) RC_ASSERT(crc64_carryless(start, data) == expected);
}

TEST(Crc64, AgreesAtEveryLengthAndAlignment) {
  if (!crc64_has_carryless()) GTEST_SKIP() << "no carry-less multiplication here";
  std::string data;
  for (size_t i = 0; i < 900; ++i) data.push_back(static_cast<char>(i * 167 + i / 7));
  for (size_t start = 0; start < 17; ++start)
    for (size_t length = 0; start + length <= data.size(); ++length) {
      const Bytes piece = Bytes(data).substr(start, length);
      ASSERT_EQ(crc64_carryless(start, piece), crc64_tables(start, piece))
          << start << " " << length;
    }
}

RC_GTEST_PROP(Crc64, MayBeComputedInPieces, (uint64_t start, const std::string& a)) {
  const std::string b = some_bytes(*rc::gen::inRange<size_t>(0, 600));
  RC_ASSERT(crc64(crc64(start, a), b) == crc64(start, a + b));
}

RC_GTEST_PROP(Crc64, CanBeUndone, (uint64_t start, const std::string& data)) {
  RC_ASSERT(crc64_undo(crc64(start, data), data) == start);
}

}  // namespace
}  // namespace lockstep::rdb
