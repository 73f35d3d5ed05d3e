#include "sync/engine/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sync/base/error.h"
#include "sync/base/units.h"

namespace lockstep::engine {

namespace {

// The part of the spill file that has been read is given back to the file system in pieces of this
// size.
constexpr uint64_t release_bytes = 64ull << 20;

std::string advice(const std::filesystem::path& directory) {
  return fmt::format("free space in {} or name another folder with --spool-dir",
                     directory.string());
}

}  // namespace

Spool::Spool(SpoolOptions options) : options_(std::move(options)) {}

Spool::~Spool() {
  if (file_ >= 0) ::close(file_);
}

std::string& Spool::room() {
  if (chunks_.empty() || chunks_.back().size() >= chunk_bytes) {
    chunks_.push_back(std::move(spare_));
    spare_ = {};
    chunks_.back().clear();
    chunks_.back().reserve(chunk_bytes);
  }
  return chunks_.back();
}

void Spool::append(Bytes data) {
  bytes_ += data.size();
  while (!data.empty()) {
    if (written_ > read_ || memory_ >= options_.memory_bytes_max) return spill(data);
    std::string& chunk = room();
    const size_t n = std::min(data.size(), chunk_bytes - chunk.size());
    chunk.append(data.substr(0, n));
    memory_ += n;
    data.remove_prefix(n);
  }
}

void Spool::open_file() {
  std::string path = (options_.directory / "lockstep-spool-XXXXXX").string();
  file_ = ::mkstemp(path.data());
  if (file_ < 0) {
    throw UserError(fmt::format(
        "the target is slower than the source and the spool cannot be written: {}: {}; {}",
        options_.directory.string(), std::strerror(errno), advice(options_.directory)));
  }
  ::unlink(path.c_str());
}

void Spool::spill(Bytes data) {
  if (options_.disk_bytes_max && bytes_on_disk() + data.size() > options_.disk_bytes_max) {
    throw UserError(fmt::format(
        "the spool on disk has reached its bound of {}: the target is too slow for the source; "
        "raise --spool-disk-max or speed up the target",
        format_bytes(options_.disk_bytes_max)));
  }
  if (file_ < 0) open_file();
  while (!data.empty()) {
    const ssize_t n = ::pwrite(file_, data.data(), data.size(), static_cast<off_t>(written_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      throw UserError(fmt::format("the spool cannot be written after {}: {}; {}",
                                  format_bytes(bytes_on_disk()), std::strerror(errno),
                                  advice(options_.directory)));
    }
    written_ += static_cast<uint64_t>(n);
    data.remove_prefix(static_cast<size_t>(n));
  }
  disk_peak_ = std::max(disk_peak_, bytes_on_disk());
}

size_t Spool::take(std::string& out) {
  if (chunks_.empty()) return take_from_disk(out);
  std::string& chunk = chunks_.front();
  const size_t n = chunk.size();
  out.append(chunk);
  memory_ -= n;
  bytes_ -= n;
  spare_ = std::move(chunk);
  chunks_.pop_front();
  return n;
}

void Spool::clear() {
  chunks_.clear();
  memory_ = bytes_ = 0;
  read_ = written_;
  if (file_ >= 0) release_read_part();
}

size_t Spool::take_from_disk(std::string& out) {
  const size_t want = std::min<uint64_t>(chunk_bytes, written_ - read_);
  if (want == 0) return 0;
  const size_t before = out.size();
  out.resize(before + want);
  size_t got = 0;
  while (got < want) {
    const ssize_t n =
        ::pread(file_, out.data() + before + got, want - got, static_cast<off_t>(read_ + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      throw UserError(fmt::format("the spool cannot be read back: {}",
                                  n == 0 ? "short file" : std::strerror(errno)));
    }
    got += static_cast<size_t>(n);
  }
  read_ += want;
  bytes_ -= want;
  release_read_part();
  return want;
}

void Spool::release_read_part() {
  if (read_ == written_) {
    if (::ftruncate(file_, 0) == 0) read_ = written_ = released_ = 0;
    return;
  }
  if (read_ - released_ < release_bytes) return;
  // Best effort: a file system without holes just keeps the bytes until the file is empty.
  (void)::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(released_), static_cast<off_t>(read_ - released_));
  released_ = read_;
}

}  // namespace lockstep::engine
