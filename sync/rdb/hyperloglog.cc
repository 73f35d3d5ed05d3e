#include "sync/rdb/hyperloglog.h"

namespace lockstep::rdb {
namespace {

constexpr size_t header_bytes = 16;
constexpr size_t register_bits = 6;
constexpr size_t dense_bytes = hyperloglog_registers * register_bits / 8;
constexpr Bytes dense_head("HYLL\0\0\0\0", 8);
constexpr Bytes sparse_head("HYLL\1\0\0\0", 8);

unsigned char byte_at(Bytes bytes, size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

void set_register(std::string& packed, size_t index, unsigned value) {
  const size_t bit = index * register_bits;
  const unsigned shifted = value << (bit % 8);
  packed[bit / 8] = static_cast<char>(byte_at(packed, bit / 8) | (shifted & 255));
  if (shifted > 255)
    packed[bit / 8 + 1] = static_cast<char>(byte_at(packed, bit / 8 + 1) | shifted >> 8);
}

/// A run of the sparse encoding.
struct Run {
  size_t length = 0;
  unsigned value = 0;
  size_t bytes = 1;
};

Run parse_run(Bytes input) {
  const unsigned char first = byte_at(input, 0);
  if (first & 0x80)
    return {static_cast<size_t>(first & 3) + 1, static_cast<unsigned>(first >> 2 & 31) + 1};
  if (!(first & 0x40)) return {static_cast<size_t>(first) + 1};
  if (input.size() < 2) return {};
  return {(static_cast<size_t>(first & 63) << 8 | byte_at(input, 1)) + 1, 0, 2};
}

std::optional<std::string> expand_sparse(Bytes runs) {
  std::string packed(dense_bytes, '\0');
  size_t next = 0;
  while (!runs.empty()) {
    const Run run = parse_run(runs);
    if (run.length == 0 || run.length > hyperloglog_registers - next) return std::nullopt;
    const size_t end = next + run.length;
    for (; next < end; ++next) {
      if (run.value > 0) set_register(packed, next, run.value);
    }
    runs.remove_prefix(run.bytes);
  }
  if (next != hyperloglog_registers) return std::nullopt;
  return packed;
}

}  // namespace

std::optional<std::string> packed_registers(Bytes text) {
  if (text.size() < header_bytes) return std::nullopt;
  const Bytes registers = text.substr(header_bytes);
  if (text.starts_with(sparse_head)) return expand_sparse(registers);
  if (text.starts_with(dense_head) && registers.size() == dense_bytes)
    return std::string(registers);
  return std::nullopt;
}

unsigned register_at(Bytes packed, size_t index) {
  const size_t bit = index * register_bits;
  unsigned pair = byte_at(packed, bit / 8);
  if (bit / 8 + 1 < packed.size()) pair |= static_cast<unsigned>(byte_at(packed, bit / 8 + 1)) << 8;
  return pair >> (bit % 8) & 63;
}

}  // namespace lockstep::rdb
