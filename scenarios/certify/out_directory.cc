#include "scenarios/certify/out_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

namespace fs = std::filesystem;

namespace {

/// Stands in the folder of the servers that a run has made.
constexpr const char* marker = ".of-lockstep-certify";

fixtures::Descriptor lock_of(const fs::path& directory) {
  const fs::path file = directory / ".lock";
  fixtures::Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.number() < 0)
    throw UserError(fmt::format("{}: cannot be written: {}", file.string(), std::strerror(errno)));
  if (flock(lock.number(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK)
    throw UserError(fmt::format("{}: cannot be locked: {}; give an --out on another file system",
                                file.string(), std::strerror(errno)));
  throw UserError(fmt::format("another `lockstep certify` writes into {}: wait for it, or give "
                              "another --out",
                              directory.string()),
                  ExitCode::bad_arguments);
}

}  // namespace

OutDirectory::OutDirectory(const fs::path& path) : path_(fs::absolute(path)) {
  fixtures::make_directories(path_);
  lock_ = lock_of(path_);
  std::error_code none;
  if (fs::exists(servers(), none) && !owns_servers())
    throw UserError(fmt::format("{} is not of a run of certify, which keeps its servers' files "
                                "there and removes them: give another --out",
                                servers().string()),
                    ExitCode::bad_arguments);
  clear();  // of a run that was killed
  fixtures::make_directories(cases());
  fixtures::make_directories(servers());
  fixtures::write_text(servers() / marker, "");
}

bool OutDirectory::owns_servers() const {
  std::error_code none;
  return fs::exists(servers() / marker, none);
}

void OutDirectory::clear() {
  std::error_code ignored;
  if (owns_servers()) fs::remove_all(servers(), ignored);
  fs::remove(cases(), ignored);  // only if it is empty
}

}  // namespace lockstep::scenarios::certify
