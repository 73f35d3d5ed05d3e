#include "verifier/payload_digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "sync/base/error.h"
#include "sync/rdb/crc64.h"
#include "sync/rdb/dump_payload.h"

namespace lockstep::verifier {

namespace {

constexpr size_t buffer_bytes = 64 << 10;
constexpr size_t crc_bytes = 8;
/// The end of a snapshot: its opcode, and a checksum that says there is none.
constexpr Bytes snapshot_end("\xff\0\0\0\0\0\0\0\0", 9);

}  // namespace

PayloadDigest::PayloadDigest(uint64_t bytes)
    : left_(bytes - rdb::dump_footer_bytes),
      parser_([this](const KeySeen& seen) {
        value_ = {seen.kind, seen.digest, stream_version_, field_expiries_};
      }),
      buffer_(buffer_bytes) {
  LOCKSTEP_ASSERT(bytes > rdb::dump_footer_bytes);
}

void PayloadDigest::add(Bytes piece) {
  const Bytes value = piece.substr(0, std::min<uint64_t>(piece.size(), left_));
  add_value(value);
  piece.remove_prefix(value.size());
  footer_ += piece;
  if (left_ == 0 && footer_.size() >= rdb::dump_footer_bytes) end();
}

void PayloadDigest::add_value(Bytes piece) {
  if (piece.empty()) return;
  crc_ = rdb::crc64(crc_, piece);
  if (!begun_) {
    begin(static_cast<rdb::ValueType>(piece.front()));
    piece.remove_prefix(1);
    --left_;
  }
  left_ -= piece.size();
  feed(piece);
}

/// As if it were a snapshot with one key, whose name is empty.
void PayloadDigest::begin(rdb::ValueType type) {
  if (!rdb::kind_of(type)) throw FormatError(0, fmt::format("unknown value type {}", type));
  begun_ = true;
  stream_version_ = rdb::type_info(type).stream_version;
  field_expiries_ = rdb::has_field_expiries(type);
  const bool valkey = rdb::valkey_version(rdb::type_info(type).version);
  const std::string head =
      fmt::format("{}{}{}", valkey ? "VALKEY080" : "REDIS0012", static_cast<char>(type), '\0');
  feed(fmt::format("${}\r\n{}", head.size() + left_ - 1 + snapshot_end.size(), head));
}

void PayloadDigest::feed(Bytes bytes) {
  while (!bytes.empty()) {
    const auto room = buffer_.prepare(parser_.needed());
    const size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    buffer_.commit(count);
    bytes.remove_prefix(count);
    buffer_.consume(parser_.consume(buffer_.data()));
  }
}

void PayloadDigest::end() {
  crc_ = rdb::crc64(crc_, Bytes(footer_).substr(0, footer_.size() - crc_bytes));
  uint64_t expected = 0;
  std::memcpy(&expected, footer_.data() + footer_.size() - crc_bytes, crc_bytes);
  if (crc_ != expected) throw FormatError(0, "a DUMP payload with a wrong checksum");
  feed(snapshot_end);
  if (!parser_.done()) throw FormatError(0, "a DUMP payload whose value ends too early");
}

}  // namespace lockstep::verifier
