#include "verifier/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace lockstep::verifier {

namespace {

/// Closes. Its functions return false with errno.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, mode_t mode)
      : file_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool write(const std::string& text) const {
    for (size_t at = 0; file_ >= 0 && at < text.size();) {
      const ssize_t wrote = ::write(file_, text.data() + at, text.size() - at);
      if (wrote < 0 && errno != EINTR) return false;
      at += wrote > 0 ? static_cast<size_t>(wrote) : 0;
    }
    return file_ >= 0;
  }
  bool sync() const { return file_ >= 0 && ::fsync(file_) == 0; }

 private:
  int file_;
};

std::error_code last_error() { return {errno, std::generic_category()}; }

std::error_code write_unfinished(const std::filesystem::path& path, const std::string& text,
                                 mode_t mode) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  return file.write(text) && file.sync() ? std::error_code() : last_error();
}

}  // namespace

std::error_code write_whole_file(const std::filesystem::path& path, const std::string& text,
                                 mode_t mode) {
  const std::filesystem::path unfinished = path.string() + ".new";
  std::error_code error = write_unfinished(unfinished, text, mode);
  if (!error && ::rename(unfinished.c_str(), path.c_str()) != 0) error = last_error();
  if (error) {
    ::unlink(unfinished.c_str());
    return error;
  }
  const auto directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return Descriptor(directory, O_RDONLY | O_DIRECTORY, 0).sync() ? error : last_error();
}

}  // namespace lockstep::verifier
