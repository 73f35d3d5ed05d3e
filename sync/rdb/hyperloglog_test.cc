#include "sync/rdb/hyperloglog.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <bit>
#include <limits>

#include "sync/rdb/digest.h"
#include "sync/rdb/object.h"

namespace lockstep::rdb {
namespace {

using Registers = std::array<unsigned, hyperloglog_registers>;

std::string head(char encoding, const std::string& cache) {
  return std::string("HYLL") + encoding + std::string(3, '\0') + cache;
}

/// Bit by bit, as the layout says.
std::string dense(const Registers& registers, const std::string& cache = std::string(8, '\0')) {
  std::string packed(hyperloglog_registers * 6 / 8, '\0');
  for (size_t i = 0; i < registers.size(); ++i) {
    for (size_t bit = 0; bit < 6; ++bit) {
      const size_t at = i * 6 + bit;
      if (registers[i] >> bit & 1) packed[at / 8] = static_cast<char>(packed[at / 8] | 1 << at % 8);
    }
  }
  return head(0, cache) + packed;
}

std::string sparse(const Registers& registers, size_t value_run_max) {
  std::string runs;
  for (size_t i = 0; i < registers.size();) {
    size_t length = 1;
    while (i + length < registers.size() && registers[i + length] == registers[i] &&
           (registers[i] == 0 || length < value_run_max))
      ++length;
    if (registers[i] > 0) {
      runs += static_cast<char>(0x80 | (registers[i] - 1) << 2 | (length - 1));
    } else if (length <= 64) {
      runs += static_cast<char>(length - 1);
    } else {
      runs += static_cast<char>(0x40 | (length - 1) >> 8);
      runs += static_cast<char>((length - 1) & 255);
    }
    i += length;
  }
  return head(1, std::string(8, '\x7f')) + runs;
}

Registers random_registers() {
  Registers registers{};
  const auto places =
      *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, hyperloglog_registers));
  for (const size_t place : places) registers[place] = *rc::gen::inRange(1u, 33u);
  return registers;
}

RC_GTEST_PROP(HyperLogLog, EncodingsOfTheSameRegistersAreTheSame, ()) {
  const Registers registers = random_registers();
  const auto packed = packed_registers(dense(registers));
  RC_ASSERT(packed.has_value());
  for (size_t i = 0; i < registers.size(); ++i) RC_ASSERT(register_at(*packed, i) == registers[i]);
  const size_t run_max = *rc::gen::inRange<size_t>(1, 5);
  RC_ASSERT(packed_registers(sparse(registers, run_max)) == packed);
  RC_ASSERT(packed_registers(dense(registers, "\1\2\3\4\5\6\7\1")) == packed);
}

TEST(HyperLogLog, WhatIsNoneIsText) {
  const Registers none{};
  EXPECT_TRUE(packed_registers(sparse(none, 1)).has_value());
  EXPECT_FALSE(packed_registers("").has_value());
  EXPECT_FALSE(packed_registers(sparse(none, 1).substr(0, 17)).has_value());
  EXPECT_FALSE(packed_registers(sparse(none, 1) + '\0').has_value());
  EXPECT_FALSE(packed_registers(dense(none) + "x").has_value());
  std::string other = dense(none);
  other[6] = 1;
  EXPECT_FALSE(packed_registers(other).has_value()) << "a reserved byte is set";
}

struct Zset {
  double score;
  uint64_t digest() const {
    Digester digester(Kind::zset);
    digester.on_zset_member("m", score);
    return digester.finish().low;
  }
  Object object() const {
    ObjectBuilder builder(Kind::zset);
    builder.on_zset_member("m", score);
    return builder.take();
  }
};

TEST(Score, MinusZeroIsZeroAndOneNanIsAnother) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double other_nan = std::bit_cast<double>(uint64_t{0xfff8000000000001});
  const Zset same[][2] = {{{0.0}, {-0.0}}, {{nan}, {other_nan}}};
  for (const auto& [a, b] : same) {
    EXPECT_EQ(a.digest(), b.digest());
    EXPECT_TRUE(same_value(a.object(), b.object()));
  }
  EXPECT_NE(Zset{0.1}.digest(), Zset{0.10000000000000002}.digest());
  EXPECT_NE(Zset{0.0}.digest(), Zset{nan}.digest());
  EXPECT_FALSE(same_value(Zset{0.0}.object(), Zset{nan}.object()));
}

/// What an older type does not say is what a server that loads it takes: the first entry's id.
TEST(StreamDigest, TheFirstIdCounts) {
  const auto digest = [](std::optional<StreamId> first) {
    Digester digester(Kind::stream);
    digester.on_stream_entry({5, 1}, {});
    digester.on_stream_info({.length = 1, .last_id = {5, 1}, .first_id = first});
    return digester.finish().low;
  };
  EXPECT_EQ(digest(std::nullopt), digest(StreamId{5, 1}));
  EXPECT_NE(digest(std::nullopt), digest(StreamId{4, 1}));
}

}  // namespace
}  // namespace lockstep::rdb
