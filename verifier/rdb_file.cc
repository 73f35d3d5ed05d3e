#include "verifier/rdb_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <map>

#include "sync/base/error.h"
#include "sync/net/receive_buffer.h"
#include "sync/rdb/dump_payload.h"

namespace lockstep::verifier {

namespace {

constexpr const char* prefix = "file:";
constexpr size_t chunk_bytes = 512 << 10;
constexpr size_t preamble_bytes = 64 << 10;
constexpr size_t key_bytes = 16 << 10;  ///< most keys are not larger

struct stat status_of(int file) {
  struct stat status {};
  ::fstat(file, &status);
  return status;
}

}  // namespace

bool is_file_url(const std::string& url) { return url.starts_with(prefix); }

RdbFile::RdbFile(std::string url) : url_(std::move(url)) {
  path_ = url_.substr(std::strlen(prefix));
  if (path_.starts_with("//")) path_.erase(0, 2);
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) {
    throw UserError(fmt::format("{}: cannot be opened: {}", url_, std::strerror(errno)),
                    ExitCode::bad_arguments);
  }
  size_ = static_cast<uint64_t>(status_of(file_).st_size);
  try {
    read_preamble();
  } catch (const FormatError& error) {
    ::close(file_);
    fail(error);
  }
}

RdbFile::~RdbFile() { ::close(file_); }

void RdbFile::fail(const FormatError& error) const {
  throw UserError(
      fmt::format("{}: {}; the file is damaged or cut: take another backup", url_, error.what()));
}

std::string RdbFile::state() const {
  const struct stat status = status_of(file_);
  return fmt::format("{} {} {}.{};", identity(), status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

std::string RdbFile::identity() const {
  const struct stat status = status_of(file_);
  return fmt::format("file {}:{}", status.st_dev, status.st_ino);
}

size_t RdbFile::read_bytes(uint64_t offset, char* to, size_t count) const {
  ssize_t got;
  do got = ::pread(file_, to, count, static_cast<off_t>(offset));
  while (got < 0 && errno == EINTR);
  if (got < 0) throw UserError(fmt::format("{}: cannot be read: {}", url_, std::strerror(errno)));
  return static_cast<size_t>(got);
}

void RdbFile::read_preamble() {
  std::string text(preamble_bytes, '\0');
  text.resize(read_bytes(0, text.data(), text.size()));
  rdb::Framer framer({.verify_checksum = false});
  Bytes input = text;
  for (;;) {
    const rdb::Event event = framer.next(input);
    if (std::holds_alternative<rdb::NeedMore>(event) && header_.empty())
      throw FormatError(text.size(), "RDB: the file ends in its header");
    if (std::holds_alternative<rdb::Header>(event)) header_ = input.substr(0, framer.consumed());
    if (const auto* aux = std::get_if<rdb::Aux>(&event)) {
      if (aux->name == "redis-ver" || aux->name == "valkey-ver") server_version_ = aux->value;
    } else if (const auto* size = std::get_if<rdb::DbSize>(&event)) {
      databases_.push_back({size->db, size->keys});
    } else if (!std::holds_alternative<rdb::Header>(event)) {
      break;
    }
    input.remove_prefix(framer.consumed());
  }
  version_ = static_cast<uint16_t>(framer.header().version);
  if (server_version_.empty()) server_version_ = fmt::format("RDB version {}", version_);
}

/// The next piece. The parser takes a transfer of known size.
void RdbFile::feed(SnapshotParser& parser, net::ReceiveBuffer& buffer, uint64_t& at) {
  const auto room = buffer.prepare(parser.needed());
  const size_t got = read_bytes(at, static_cast<char*>(room.data()), room.size());
  if (got == 0) throw FormatError(at, "RDB: the file ends too early");
  at += got;
  buffer.commit(got);
  buffer.consume(parser.consume(buffer.data()));
}

void RdbFile::require_end(uint64_t end) const {
  if (end >= size_) return;
  throw UserError(
      fmt::format("{}: {} bytes follow the end of the snapshot at offset {}: this is "
                  "no RDB file, perhaps an AOF with an RDB preamble",
                  url_, size_ - end, end));
}

asio::awaitable<void> RdbFile::read(const Scope& scope, OnKey on_key, ReadCounters& counters) {
  SnapshotParser parser(
      [&](const KeySeen& seen) {
        ++counters.keys;
        on_key(seen);
      },
      {.scope = &scope, .with_offsets = true});
  net::ReceiveBuffer buffer(chunk_bytes);
  parser.consume(fmt::format("${}\r\n", size_));
  for (uint64_t at = 0; !parser.done();) {
    const uint64_t before = at;
    try {
      feed(parser, buffer, at);
    } catch (const FormatError& error) {
      fail(error);
    }
    counters.bytes += at - before;
    counters.population = counters.population + parser.take_population();
    co_await asio::post(asio::use_awaitable);
  }
  counters.functions += parser.functions();
  require_end(parser.offset());
}

/// Reads the file through for those whose place is not known.
void RdbFile::locate(std::vector<Wanted>& wanted) {
  std::map<std::pair<uint32_t, std::string>, Wanted*> missing;
  for (Wanted& each : wanted) {
    if (!each.offset) missing[{each.db.value, each.key}] = &each;
  }
  if (missing.empty()) return;
  SnapshotParser parser(
      [&](const KeySeen& seen) {
        const auto found = missing.find({seen.db.value, std::string(seen.key)});
        if (found != missing.end()) found->second->offset = seen.offset;
      },
      {.scope = nullptr, .with_offsets = true});
  net::ReceiveBuffer buffer(chunk_bytes);
  parser.consume(fmt::format("${}\r\n", size_));
  for (uint64_t at = 0; !parser.done();) feed(parser, buffer, at);
}

std::vector<RdbFile::Found> RdbFile::find(std::vector<Wanted> wanted) {
  try {
    locate(wanted);
    std::vector<Found> found;
    for (const Wanted& each : wanted) found.push_back(each.offset ? read_at(each) : Found());
    return found;
  } catch (const FormatError& error) {
    fail(error);
  }
}

RdbFile::Found RdbFile::read_at(const Wanted& wanted) {
  rdb::Framer framer({.verify_checksum = false, .value_bytes_max = SIZE_MAX / 4});
  framer.next(header_);
  std::string text;
  for (size_t size = key_bytes;; size = std::max(2 * size, framer.needed())) {
    const size_t held = text.size();
    text.resize(size);
    text.resize(held + read_bytes(*wanted.offset + held, text.data() + held, size - held));
    const rdb::Event event = framer.next(text);
    if (const auto* entry = std::get_if<rdb::Entry>(&event)) {
      if (entry->key != wanted.key) break;
      Found found{.payload = std::string(), .expire_at = entry->expire_at};
      rdb::append_dump_payload(*found.payload, entry->type, entry->value, version_);
      return found;
    }
    if (!std::holds_alternative<rdb::NeedMore>(event) || text.size() < size) break;
  }
  throw FormatError(*wanted.offset, "the file has changed: another key stands there");
}

}  // namespace lockstep::verifier
