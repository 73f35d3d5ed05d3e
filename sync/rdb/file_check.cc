#include "sync/rdb/file_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "sync/base/error.h"

namespace lockstep::rdb {
namespace {

/// Fits into the processor's cache, so that a byte comes from memory once.
constexpr size_t chunk_bytes = 256 << 10;

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw UserError(path + ": " + what + ": " + std::strerror(errno));
}

class File {
 public:
  explicit File(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail(path, "cannot be opened");
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  size_t read(char* to, size_t count) {
    ssize_t got;
    do got = ::read(fd_, to, count);
    while (got < 0 && errno == EINTR);
    if (got < 0) fail(path_, "cannot be read");
    return static_cast<size_t>(got);
  }

 private:
  std::string path_;
  int fd_;
};

/// The bytes that the framer has not consumed yet, in [start, end).
struct Window {
  std::vector<char> room = std::vector<char>(chunk_bytes);
  size_t start = 0;
  size_t end = 0;

  Bytes bytes() const { return {room.data() + start, end - start}; }
  /// Makes room for `needed` bytes in all and more.
  void prepare(size_t needed) {
    std::memmove(room.data(), room.data() + start, end - start);
    end -= start;
    start = 0;
    const size_t size = std::max(needed, end + chunk_bytes / 2);
    if (room.size() < size) room.resize(std::max(size, 2 * room.size()));
  }
};

void count(FileSummary& summary, const Event& event) {
  if (std::holds_alternative<Entry>(event) || std::holds_alternative<BigBegin>(event))
    ++summary.keys;
  if (const auto* header = std::get_if<Header>(&event))
    summary.version = header->version, summary.valkey = header->valkey;
  if (const auto* end = std::get_if<End>(&event)) summary.checksum_present = end->checksum_present;
}

}  // namespace

FileSummary check_file(const std::string& path) {
  File file(path);
  Framer framer({.value_bytes_max = 4 << 20});
  Window window;
  FileSummary summary;
  for (;;) {
    const Event event = framer.next(window.bytes());
    window.start += framer.consumed();
    count(summary, event);
    summary.bytes = framer.offset();
    if (std::holds_alternative<End>(event)) return summary;
    if (!std::holds_alternative<NeedMore>(event)) continue;
    window.prepare(framer.needed());
    const size_t got = file.read(window.room.data() + window.end, window.room.size() - window.end);
    if (got == 0) throw FormatError(framer.offset() + window.end, "RDB: the file ends too early");
    window.end += got;
  }
}

}  // namespace lockstep::rdb
