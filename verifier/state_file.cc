#include "verifier/state_file.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"

namespace lockstep::verifier {

namespace {

constexpr int state_schema = 1;

/// Closes and, when it is a new file, has the disk hold it.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : file_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
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

/// The file's two lines: the hash of the second, and the state.
std::string with_hash(const std::string& body) {
  return fmt::format("{:016x}\n{}\n", XXH3_64bits(body.data(), body.size()), body);
}

}  // namespace

std::optional<nlohmann::json> StateFile::load() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) {
    if (!std::filesystem::exists(path_)) return std::nullopt;
    throw UserError(fmt::format("--state {}: cannot be read", path_.string()),
                    ExitCode::bad_arguments);
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t line = text.find('\n');
  const std::string body = line == std::string::npos || text.size() < line + 2
                               ? std::string()
                               : text.substr(line + 1, text.size() - line - 2);
  nlohmann::json state = nlohmann::json::parse(body, nullptr, false);
  if (with_hash(body) != text || !state.is_object() || !state.contains("schema")) {
    throw UserError(fmt::format("--state {}: the file is damaged or not one of `lockstep verify`: "
                                "remove it to begin anew",
                                path_.string()),
                    ExitCode::bad_arguments);
  }
  if (state["schema"] != state_schema || state["check"] != check_) {
    throw UserError(fmt::format("--state {}: the file belongs to another check ({}); this one is "
                                "{}. Give the same arguments again, or remove the file to begin "
                                "anew",
                                path_.string(), state.value("check", "?"), check_),
                    ExitCode::bad_arguments);
  }
  return state;
}

void StateFile::save(nlohmann::json state) const {
  state["schema"] = state_schema;
  state["check"] = check_;
  const std::string text = with_hash(state.dump());
  const std::filesystem::path unfinished = path_.string() + ".new";
  bool good = false;
  {
    const Descriptor file(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
    good = file.write(text) && file.sync();
  }
  good = good && ::rename(unfinished.c_str(), path_.c_str()) == 0;
  const auto directory = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  if (!good || !Descriptor(directory, O_RDONLY | O_DIRECTORY).sync()) {
    throw UserError(
        fmt::format("--state {}: cannot be written: {}", path_.string(), std::strerror(errno)));
  }
}

void StateFile::remove() const {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace lockstep::verifier
