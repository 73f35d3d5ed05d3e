#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::psync {

/// Separates a snapshot from the stream behind it. No I/O. Understands "$<size>\r\n" and "$EOF:<40
/// bytes>\r\n" (diskless: the snapshot ends with those 40 bytes), with '\n' keep-alives before the
/// header.
///
/// next() takes the bytes received and not yet consumed, from where the last call's `consumed`
/// ended, and says what they are. In diskless mode up to 39 bytes may be held back (not consumed)
/// until more come, because they could be the beginning of the mark; so the mark may be split over
/// any reads and stream bytes behind it are not lost. A piece that needs more may have consumed a
/// header or keep-alives. Throws FormatError if what comes is no snapshot, an error of the source
/// for instance.
class Transfer {
 public:
  enum class Kind { need_more, snapshot, stream };
  struct Piece {
    Kind kind = Kind::need_more;
    Bytes data;           ///< a view into the input: bytes of the snapshot or of the stream
    size_t consumed = 0;  ///< drop this many bytes of the input (header and mark included)
  };
  /// `stream_only`: after a partial resync there is no snapshot.
  explicit Transfer(bool stream_only = false);
  Piece next(Bytes input);
  bool snapshot_done() const;
  /// Of a transfer with known size.
  std::optional<uint64_t> snapshot_size() const;

 private:
  enum class State { header, sized, until_mark, stream };
  Piece read_header(Bytes input);
  Piece read_sized(Bytes input);
  Piece read_until_mark(Bytes input);

  State state_;
  std::string mark_;
  uint64_t left_ = 0;
  std::optional<uint64_t> size_;
};

}  // namespace lockstep::psync
