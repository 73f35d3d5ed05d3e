#include "sync/psync/transfer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sync/base/error.h"

namespace lockstep::psync {

namespace {

constexpr size_t mark_bytes = 40;  // CONFIG_RUN_ID_SIZE of the servers' server.h
constexpr size_t header_bytes_max = 64;

}  // namespace

Transfer::Transfer(bool stream_only) : state_(stream_only ? State::stream : State::header) {}

bool Transfer::snapshot_done() const { return state_ == State::stream; }

std::optional<uint64_t> Transfer::snapshot_size() const { return size_; }

Transfer::Piece Transfer::next(Bytes input) {
  if (input.empty()) return {};
  switch (state_) {
    case State::header:
      return read_header(input);
    case State::sized:
      return read_sized(input);
    case State::until_mark:
      return read_until_mark(input);
    case State::stream:
      break;
  }
  return {Kind::stream, input, input.size()};
}

Transfer::Piece Transfer::read_header(Bytes input) {
  size_t begin = 0;
  while (begin < input.size() && (input[begin] == '\n' || input[begin] == '\r')) ++begin;
  const Bytes line = input.substr(begin);
  const size_t end = line.find('\n');
  if (end == Bytes::npos) {
    if (line.size() > header_bytes_max)
      throw FormatError(0, "the snapshot's header is too long: \"" + printable(line, 40) + "\"");
    return {Kind::need_more, {}, begin};
  }
  Bytes text = line.substr(0, end);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.starts_with("$EOF:") && text.size() == 5 + mark_bytes) {
    mark_ = text.substr(5);
    state_ = State::until_mark;
  } else if (text.starts_with('$')) {
    const auto [stop, error] = std::from_chars(text.data() + 1, text.data() + text.size(), left_);
    if (error != std::errc() || stop != text.data() + text.size())
      throw FormatError(0, "the snapshot's size is not a number: \"" + printable(text) + "\"");
    size_ = left_;
    state_ = left_ > 0 ? State::sized : State::stream;
  } else {
    throw FormatError(0, "instead of a snapshot the source sent \"" + printable(text) + "\"");
  }
  return {Kind::need_more, {}, begin + end + 1};
}

Transfer::Piece Transfer::read_sized(Bytes input) {
  const size_t n = static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
  left_ -= n;
  if (left_ == 0) state_ = State::stream;
  return {Kind::snapshot, input.substr(0, n), n};
}

Transfer::Piece Transfer::read_until_mark(Bytes input) {
  // memmem skips up to a mark's length at a time, where find() stops at every first byte.
  if (const void* const mark = memmem(input.data(), input.size(), mark_.data(), mark_bytes)) {
    const size_t found = static_cast<size_t>(static_cast<const char*>(mark) - input.data());
    state_ = State::stream;
    return {Kind::snapshot, input.substr(0, found), found + mark_bytes};
  }
  // The longest end of the input that the mark could begin with stays for the next call.
  size_t held = std::min(input.size(), mark_bytes - 1);
  while (held > 0 && !Bytes(mark_).starts_with(input.substr(input.size() - held))) --held;
  const size_t n = input.size() - held;
  return {n > 0 ? Kind::snapshot : Kind::need_more, input.substr(0, n), n};
}

}  // namespace lockstep::psync
