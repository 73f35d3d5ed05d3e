#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstring>
#include <memory>

#include "sync/base/bytes.h"
#include "sync/base/error.h"

namespace lockstep::net {

/// Bytes received and not yet consumed, contiguous. The buffer grows to hold the largest message
/// (by doubling, not initialised) and is moved to its front only when it must be.
///
///     |  consumed  |  data()  |  prepare()  |
///     0          begin_      end_       capacity_
class ReceiveBuffer {
 public:
  explicit ReceiveBuffer(size_t read_bytes = 16 * 1024) : read_bytes_(read_bytes) {}

  Bytes data() const { return {memory_.get() + begin_, end_ - begin_}; }
  void consume(size_t bytes) {
    LOCKSTEP_ASSERT(bytes <= end_ - begin_);
    begin_ += bytes;
    if (begin_ != end_) return;
    begin_ = end_ = 0;
    if (capacity_ > 256 * read_bytes_) release();  // a large message is over
  }

  /// Room to read into, such that data() can grow to `total` bytes, or by a part of a usual read.
  boost::asio::mutable_buffer prepare(size_t total = 0) {
    const size_t held = end_ - begin_;
    const size_t wanted = std::max(held + read_bytes_ / 2, total);
    if (capacity_ - begin_ < wanted) make_room(std::max(wanted, read_bytes_));
    return {memory_.get() + end_, capacity_ - end_};
  }
  void commit(size_t bytes) {
    LOCKSTEP_ASSERT(bytes <= capacity_ - end_);
    end_ += bytes;
  }

 private:
  /// Doubles at most: the announced length of a message is not yet a reason to hold that much.
  void make_room(size_t wanted) {
    const size_t held = end_ - begin_;
    if (wanted <= capacity_) {
      std::memmove(memory_.get(), memory_.get() + begin_, held);
    } else {
      capacity_ = 2 * std::max(capacity_, read_bytes_);
      std::unique_ptr<char[]> memory(new char[capacity_]);
      if (held > 0) std::memcpy(memory.get(), memory_.get() + begin_, held);
      memory_ = std::move(memory);
    }
    begin_ = 0;
    end_ = held;
  }

  void release() {
    memory_.reset();
    capacity_ = 0;
  }

  size_t read_bytes_;
  std::unique_ptr<char[]> memory_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace lockstep::net
