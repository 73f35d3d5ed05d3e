#include "sync/rdb/crc64.h"

#include <array>
#include <cstring>

#include "sync/base/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lockstep::rdb {
namespace {

constexpr uint64_t reflected_polynomial = 0x95ac9329ac4bc9b5;

using Table = std::array<uint64_t, 256>;

constexpr uint64_t shift_one(uint64_t crc) {
  return (crc >> 1) ^ ((crc & 1) ? reflected_polynomial : 0);
}

/// tables[n][b] is the CRC of byte b with n zero bytes behind it.
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (uint64_t byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = shift_one(crc);
    tables[0][byte] = crc;
  }
  for (size_t n = 1; n < 8; ++n)
    for (size_t byte = 0; byte < 256; ++byte)
      tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xff];
  return tables;
}
constexpr auto tables = make_tables();

uint64_t eight_bytes(uint64_t mixed) {
  return tables[7][mixed & 0xff] ^ tables[6][(mixed >> 8) & 0xff] ^
         tables[5][(mixed >> 16) & 0xff] ^ tables[4][(mixed >> 24) & 0xff] ^
         tables[3][(mixed >> 32) & 0xff] ^ tables[2][(mixed >> 40) & 0xff] ^
         tables[1][(mixed >> 48) & 0xff] ^ tables[0][mixed >> 56];
}

uint64_t undo_one_byte(uint64_t crc, uint8_t byte) {
  for (int bit = 0; bit < 8; ++bit) {
    const bool carried = crc >> 63;
    crc = ((crc ^ (carried ? reflected_polynomial : 0)) << 1) | (carried ? 1 : 0);
  }
  return crc ^ byte;
}

}  // namespace

uint64_t crc64_tables(uint64_t crc, Bytes data) {
  const char* at = data.data();
  const char* end = at + data.size();
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    crc = eight_bytes(crc ^ word);
  }
  for (; at != end; ++at) crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<uint8_t>(*at)) & 0xff];
  return crc;
}

uint64_t crc64_undo(uint64_t crc, Bytes data) {
  for (size_t left = data.size(); left > 0; --left)
    crc = undo_one_byte(crc, static_cast<uint8_t>(data[left - 1]));
  return crc;
}

#if defined(__x86_64__)

namespace {

/// x^power mod P, reflected: bit 63 - i is the coefficient of x^i.
constexpr uint64_t power_of_x(unsigned power) {
  uint64_t value = uint64_t{1} << 63;
  for (unsigned i = 0; i < power; ++i) value = shift_one(value);
  return value;
}

// A register holds 16 bytes of the message: its low half the higher powers. The carry-less product
// of two reflected halves stands one power too high, hence the - 1.
template <unsigned bits>
__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i state, __m128i data) {
  constexpr auto low = static_cast<long long>(power_of_x(bits + 64 - 1));
  constexpr auto high = static_cast<long long>(power_of_x(bits - 1));
  const __m128i factors = _mm_set_epi64x(high, low);
  const __m128i product = _mm_xor_si128(_mm_clmulepi64_si128(state, factors, 0x00),
                                        _mm_clmulepi64_si128(state, factors, 0x11));
  return _mm_xor_si128(product, data);
}

__attribute__((target("pclmul,sse4.1"))) inline __m128i load(const char* at) {
  __m128i value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Eight registers run side by side over 128 bytes each turn; `at` moves past what was taken.
__attribute__((target("pclmul,sse4.1"))) __m128i fold_wide(__m128i first, const char*& at,
                                                           const char* end) {
  __m128i lanes[8] = {first};
  for (int lane = 1; lane < 8; ++lane) lanes[lane] = load(at + 16 * (lane - 1));
  for (at += 112; end - at >= 128; at += 128) {
#pragma GCC unroll 8
    for (int lane = 0; lane < 8; ++lane)
      lanes[lane] = fold<1024>(lanes[lane], load(at + 16 * lane));
  }
  for (int lane = 1; lane < 8; ++lane) lanes[lane] = fold<128>(lanes[lane - 1], lanes[lane]);
  return lanes[7];
}

__attribute__((target("pclmul,sse4.1"))) uint64_t carryless(uint64_t crc, Bytes data) {
  const char* at = data.data();
  const char* end = at + data.size();
  __m128i state = _mm_xor_si128(load(at), _mm_set_epi64x(0, static_cast<long long>(crc)));
  at += 16;
  if (end - at >= 240) state = fold_wide(state, at, end);
  for (; end - at >= 16; at += 16) state = fold<128>(state, load(at));
  // What is left is congruent to the message: the tables finish it.
  char last[16];
  std::memcpy(last, &state, sizeof last);
  const uint64_t folded = crc64_tables(0, {last, sizeof last});
  return crc64_tables(folded, {at, static_cast<size_t>(end - at)});
}

}  // namespace

bool crc64_has_carryless() {
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

uint64_t crc64_carryless(uint64_t crc, Bytes data) {
  return data.size() < 32 ? crc64_tables(crc, data) : carryless(crc, data);
}

#else

bool crc64_has_carryless() { return false; }
uint64_t crc64_carryless(uint64_t, Bytes) {
  LOCKSTEP_ASSERT(crc64_has_carryless());
  return 0;
}

#endif

uint64_t crc64(uint64_t crc, Bytes data) {
  static const auto chosen = crc64_has_carryless() ? crc64_carryless : crc64_tables;
  return chosen(crc, data);
}

}  // namespace lockstep::rdb
