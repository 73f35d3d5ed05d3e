#include "sync/engine/plain_sets.h"

#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

constexpr size_t header_bytes = 13;  // "*3\r\n$3\r\nSET\r\n"
constexpr size_t length_digits_max = 4;

bool is_set_header(const char* at) {
  const auto lower = [](char c) { return static_cast<char>(c | 0x20); };
  return Bytes(at, 8) == "*3\r\n$3\r\n" && lower(at[8]) == 's' && lower(at[9]) == 'e' &&
         lower(at[10]) == 't' && at[11] == '\r' && at[12] == '\n';
}

/// The bytes of a whole bulk string of at most value_bytes_max at the beginning; 0: something else.
size_t bulk_bytes(Bytes input) {
  if (input.empty() || input[0] != '$') return 0;
  size_t length = 0, at = 1;
  for (; at < input.size() && at <= length_digits_max && input[at] >= '0' && input[at] <= '9'; ++at)
    length = length * 10 + static_cast<size_t>(input[at] - '0');
  const size_t whole = at + 2 + length + 2;
  const bool terminated = at > 1 && length <= PlainSets::value_bytes_max && whole <= input.size() &&
                          input[at] == '\r' && input[at + 1] == '\n' && input[whole - 2] == '\r' &&
                          input[whole - 1] == '\n';
  return terminated ? whole : 0;
}

/// The bytes of a plain SET at the beginning; 0: something else, or not all of it.
size_t plain_set_bytes(Bytes input) {
  if (input.size() < header_bytes || !is_set_header(input.data())) return 0;
  const size_t key = bulk_bytes(input.substr(header_bytes));
  if (key == 0) return 0;
  const size_t value = bulk_bytes(input.substr(header_bytes + key));
  return value == 0 ? 0 : header_bytes + key + value;
}

}  // namespace

PlainSets find_plain_sets(Bytes stream) {
  PlainSets sets;
  while (sets.count < PlainSets::count_max) {
    const size_t n = plain_set_bytes(stream.substr(sets.bytes));
    if (n == 0) break;
    sets.bytes += n;
    sets.ends[sets.count++] = static_cast<uint32_t>(sets.bytes);
  }
  return sets;
}

void append_mset(std::string& out, Bytes stream, const PlainSets& sets) {
  resp::append_array_header(out, 1 + 2 * sets.count);
  resp::append_bulk(out, "MSET");
  size_t begin = 0;
  for (uint32_t i = 0; i < sets.count; ++i) {
    out.append(stream.substr(begin + header_bytes, sets.ends[i] - begin - header_bytes));
    begin = sets.ends[i];
  }
}

}  // namespace lockstep::engine
