#include "verifier/reply_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sync/base/error.h"
#include "sync/base/units.h"

namespace lockstep::verifier {

namespace {

constexpr size_t read_bytes = 128 << 10;
constexpr size_t line_bytes_max = 64 << 10;
constexpr size_t end_of_line_bytes = 2;

std::optional<int64_t> to_number(Bytes text) {
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

ReplyReader::ReplyReader(net::Client& client, std::chrono::milliseconds silence_max)
    : client_(client),
      silence_max_(silence_max),
      silence_(client.stream().executor(), silence_max, [&client] { client.close(); }),
      buffer_(read_bytes) {
  silence_.pause();
}

void ReplyReader::fail(const std::string& what) {
  client_.close();
  throw ConnectionError(fmt::format("{}: {}", client_.endpoint().label(), what));
}

bool ReplyReader::wait_for(size_t bytes) {
  needed_ = bytes;
  return false;
}

bool ReplyReader::idle() {
  LOCKSTEP_ASSERT(left_ == 0);
  buffer_.consume(std::exchange(given_, 0));
  if (buffer_.data().size() < behind_) return wait_for(behind_);
  buffer_.consume(std::exchange(behind_, 0));
  return true;
}

bool ReplyReader::next(Reply& reply) {
  if (!idle()) return false;
  const Bytes data = buffer_.data();
  const size_t end = data.find('\n');
  if (end == Bytes::npos) {
    if (data.size() > line_bytes_max) fail("not a Redis reply: a line without end");
    return wait_for(data.size() + 1);
  }
  if (end < end_of_line_bytes || data[end - 1] != '\r')
    fail("not a Redis reply: " + printable(data, 40));
  const Bytes line = data.substr(1, end - end_of_line_bytes);
  reply = {.type = resp::Type{data[0]}};
  if (data[0] == '+' || data[0] == '-') {
    reply.text = line;
    return given_ = end + 1, true;
  }
  const auto number = to_number(line);
  if (!number || Bytes(":$*").find(data[0]) == Bytes::npos)
    fail("not a Redis reply: " + printable(line, 40));
  if (data[0] == '$') return take_string(reply, data, end + 1, *number);
  reply.integer = *number;
  if (data[0] == '*' && *number < 0) reply.type = resp::Type::null;
  return given_ = end + 1, true;
}

bool ReplyReader::take_string(Reply& reply, Bytes data, size_t header, int64_t size) {
  if (size < 0) {
    reply.type = resp::Type::null;
    return given_ = header, true;
  }
  const auto bytes = static_cast<uint64_t>(size);
  if (bytes > whole_bytes_max) {
    reply.in_pieces = true;
    left_ = bytes;
    behind_ = end_of_line_bytes;
    return given_ = header, true;
  }
  const size_t total = header + bytes + end_of_line_bytes;
  if (data.size() < total) return wait_for(total);
  reply.text = data.substr(header, bytes);
  return given_ = total, true;
}

Bytes ReplyReader::piece() {
  buffer_.consume(std::exchange(given_, 0));
  const Bytes data = buffer_.data();
  const Bytes piece = data.substr(0, std::min<uint64_t>(data.size(), left_));
  given_ = piece.size();
  left_ -= piece.size();
  needed_ = 1;
  return piece;
}

asio::awaitable<void> ReplyReader::receive() {
  buffer_.consume(std::exchange(given_, 0));
  silence_.touch();
  std::string why;
  try {
    const size_t size = co_await client_.stream().read_some(buffer_.prepare(needed_));
    buffer_.commit(size);
    silence_.pause();
    co_return;
  } catch (const ConnectionError& error) {
    why = error.what();
  }
  if (silence_.expired()) fail("no reply within " + format_duration(silence_max_));
  client_.close();
  throw ConnectionError(why);
}

}  // namespace lockstep::verifier
