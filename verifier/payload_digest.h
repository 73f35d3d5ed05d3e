#pragma once

#include <string>

#include "sync/net/receive_buffer.h"
#include "verifier/snapshot_parser.h"

namespace lockstep::verifier {

/// The digest of a DUMP payload that comes in pieces: what is held of it is bounded, as in a
/// SnapshotParser. No I/O.
class PayloadDigest {
 public:
  /// `bytes`: of the whole payload.
  explicit PayloadDigest(uint64_t bytes);
  PayloadDigest(const PayloadDigest&) = delete;
  PayloadDigest& operator=(const PayloadDigest&) = delete;

  /// Throws FormatError, also at the end if the checksum is wrong.
  void add(Bytes piece);

  struct Value {
    rdb::Kind kind = rdb::Kind::string;
    uint64_t digest = 0;
    uint8_t stream_version = 0;   ///< of a stream's type: before 2 it does not tell all
    bool field_expiries = false;  ///< fields of the hash may expire
  };
  /// Once all bytes have been added.
  const Value& value() const { return value_; }

 private:
  void begin(rdb::ValueType type);
  void add_value(Bytes piece);
  void feed(Bytes bytes);
  void end();

  uint64_t left_ = 0;  ///< bytes of type and value that are still to come
  bool begun_ = false;
  uint8_t stream_version_ = 0;
  bool field_expiries_ = false;
  uint64_t crc_ = 0;
  std::string footer_;
  Value value_;
  SnapshotParser parser_;
  net::ReceiveBuffer buffer_;
};

}  // namespace lockstep::verifier
