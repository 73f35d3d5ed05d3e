#include "sync/cluster/slot.h"

#include <array>

namespace lockstep::cluster {

namespace {

// CRC16-CCITT (XMODEM): polynomial 0x1021, no reflection, initial value 0.
constexpr std::array<uint16_t, 256> make_table() {
  std::array<uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1;
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}

constexpr std::array<uint16_t, 256> table = make_table();

}  // namespace

Bytes hash_tag(Bytes key) {
  const size_t open = key.find('{');
  if (open == Bytes::npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == Bytes::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

Slot slot_of(Bytes key) {
  uint16_t crc = 0;
  for (const char c : hash_tag(key))
    crc = static_cast<uint16_t>(crc << 8) ^ table[(crc >> 8) ^ static_cast<unsigned char>(c)];
  return Slot{static_cast<uint16_t>(crc % slot_count)};
}

}  // namespace lockstep::cluster
