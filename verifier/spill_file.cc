#include "verifier/spill_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "sync/base/error.h"
#include "sync/base/units.h"

namespace lockstep::verifier {

SpillFile::~SpillFile() {
  if (file_ >= 0) ::close(file_);
}

void SpillFile::open() {
  file_ = ::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
    std::string name = (directory_ / "lockstep-verify-XXXXXX").string();
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (file_ >= 0) ::unlink(name.c_str());
  }
  if (file_ >= 0) return;
  throw UserError(
      fmt::format("{}: no file can be made there for the keys that do not fit into "
                  "--memory: {}; name another directory with --spill-dir",
                  directory_.string(), std::strerror(errno)));
}

void SpillFile::keep_as(const std::filesystem::path& path, uint64_t kept_bytes) {
  if (file_ >= 0) ::close(file_);
  directory_ = path;
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const off_t end = file_ < 0 ? -1 : ::lseek(file_, 0, SEEK_END);
  if (end < 0 || static_cast<uint64_t>(end) < kept_bytes ||
      ::ftruncate(file_, static_cast<off_t>(kept_bytes)) != 0) {
    throw UserError(fmt::format("{}: does not hold the {} bytes that the state file speaks of, or "
                                "cannot be written: remove the state file to begin anew",
                                path.string(), kept_bytes),
                    ExitCode::bad_arguments);
  }
  size_ = kept_bytes;
}

void SpillFile::sync() const {
  if (file_ >= 0 && ::fdatasync(file_) != 0)
    throw UserError(fmt::format("{}: {}", directory_.string(), std::strerror(errno)));
}

uint64_t SpillFile::append(std::span<const Bytes> pieces) {
  if (file_ < 0) open();
  const uint64_t begin = size_;
  std::vector<iovec> vectors;
  for (const Bytes piece : pieces)
    vectors.push_back({const_cast<char*>(piece.data()), piece.size()});
  for (size_t first = 0; first < vectors.size();) {
    const size_t count = std::min<size_t>(vectors.size() - first, IOV_MAX);
    ssize_t wrote =
        ::pwritev(file_, &vectors[first], static_cast<int>(count), static_cast<off_t>(size_));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      throw UserError(fmt::format(
          "{}: the keys that do not fit into --memory cannot be written there after {}: {}; make "
          "room, or name another directory with --spill-dir, or give more --memory",
          directory_.string(), format_bytes(size_), std::strerror(wrote < 0 ? errno : ENOSPC)));
    }
    size_ += static_cast<uint64_t>(wrote);
    for (; first < vectors.size(); ++first) {
      iovec& vector = vectors[first];
      if (static_cast<size_t>(wrote) < vector.iov_len) {
        vector.iov_base = static_cast<char*>(vector.iov_base) + wrote;
        vector.iov_len -= static_cast<size_t>(wrote);
        break;
      }
      wrote -= static_cast<ssize_t>(vector.iov_len);
    }
  }
  return begin;
}

void SpillFile::read(uint64_t offset, char* to, size_t bytes) const {
  while (bytes > 0) {
    const ssize_t got = ::pread(file_, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      throw UserError(fmt::format("{}: what was put aside there cannot be read again: {}",
                                  directory_.string(), std::strerror(got < 0 ? errno : EIO)));
    to += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
}

}  // namespace lockstep::verifier
