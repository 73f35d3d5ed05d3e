#include "sync/rdb/dump_payload.h"

#include <cstring>

#include "sync/base/error.h"
#include "sync/rdb/crc64.h"

namespace lockstep::rdb {
namespace {

template <class T>
void append_fixed(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class T>
T fixed_at(Bytes bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

void append_dump_payload(std::string& out, ValueType type, Bytes value, uint16_t version) {
  const size_t start = out.size();
  out.reserve(start + dump_payload_size(value));
  out.push_back(static_cast<char>(type));
  out.append(value);
  append_fixed(out, version);
  append_fixed(out, crc64(0, Bytes(out).substr(start)));
}

DumpView parse_dump_payload(Bytes payload) {
  if (payload.size() < 1 + dump_footer_bytes)
    throw FormatError(payload.size(), "a DUMP payload that ends before its footer");
  const size_t footer = payload.size() - dump_footer_bytes;
  if (crc64(0, payload.substr(0, footer + 2)) != fixed_at<uint64_t>(payload, footer + 2))
    throw FormatError(footer + 2, "a DUMP payload with a wrong checksum");
  return {.type = static_cast<ValueType>(payload[0]),
          .value = payload.substr(1, footer - 1),
          .version = fixed_at<uint16_t>(payload, footer)};
}

}  // namespace lockstep::rdb
