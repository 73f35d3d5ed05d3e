#pragma once

#include <boost/asio/awaitable.hpp>

#include "sync/net/client.h"
#include "sync/net/deadline.h"
#include "sync/net/receive_buffer.h"

namespace lockstep::verifier {

namespace asio = boost::asio;

/// A reply of RESP2, or the head of an array: its elements are the replies behind it.
struct Reply {
  resp::Type type = resp::Type::null;
  Bytes text{};            ///< lives until the reader is used again
  int64_t integer = 0;     ///< of an array: how many elements it has
  bool in_pieces = false;  ///< a long string: its bytes come by ReplyReader::piece()

  bool is_error() const { return type == resp::Type::error; }
  bool is_null() const { return type == resp::Type::null; }
  /// The first word of an error.
  Bytes error_code() const { return is_error() ? text.substr(0, text.find(' ')) : Bytes(); }
};

/// Reads the replies to what was written to a client's stream, one at a time and without a copy, so
/// that a reply of any length takes no more memory than a piece of it:
///
///     Reply reply;
///     while (!reader.next(reply)) co_await reader.receive();
class ReplyReader {
 public:
  /// Longer strings come in pieces.
  static constexpr size_t whole_bytes_max = 1 << 20;

  /// Closes the client if the server is silent for so long while it is waited for.
  ReplyReader(net::Client& client, std::chrono::milliseconds silence_max);

  /// False: the next reply is not there yet. Throws ConnectionError if what comes is none.
  /// REQUIRES: the one before has been read to its end.
  bool next(Reply& reply);
  /// True once the last reply has been read to its end; false: receive() first. If no other was
  /// asked for, somebody else may use the client then.
  bool idle();
  /// Of a reply in pieces: how many bytes are to come.
  uint64_t left() const { return left_; }
  /// Some of them, until the reader is used again; empty: none is there yet.
  Bytes piece();
  /// Waits for more bytes. Throws ConnectionError.
  asio::awaitable<void> receive();

 private:
  bool take_string(Reply& reply, Bytes data, size_t header, int64_t size);
  bool wait_for(size_t bytes);
  [[noreturn]] void fail(const std::string& what);

  net::Client& client_;
  std::chrono::milliseconds silence_max_;
  net::Deadline silence_;
  net::ReceiveBuffer buffer_;
  size_t given_ = 0;   ///< bytes in front that the caller has seen
  size_t behind_ = 0;  ///< bytes of a string's end that nobody wants
  size_t needed_ = 1;
  uint64_t left_ = 0;
};

}  // namespace lockstep::verifier
