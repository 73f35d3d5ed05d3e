#pragma once

#include <filesystem>

#include "fixtures/run_files.h"

namespace lockstep::scenarios::certify {

/// The folder that `--out` names. While this object lives no other run writes into it (its lock is
/// that of flock(2): a network file system must have it), and nothing in it is removed that a run
/// has not made.
class OutDirectory {
 public:
  /// Makes it where it is not there. Throws UserError; bad_arguments where another run writes into
  /// it, or a folder `servers` in it is not a run's own.
  explicit OutDirectory(const std::filesystem::path& path);

  /// Where what did not pass is kept.
  std::filesystem::path cases() const { return path_ / "cases"; }
  /// Where the servers keep their files while the run lasts; empty at first.
  std::filesystem::path servers() const { return path_ / "servers"; }
  /// The servers' files, and the cases' folder if nothing is in it.
  void clear();

 private:
  bool owns_servers() const;

  std::filesystem::path path_;  ///< absolute
  fixtures::Descriptor lock_;
};

}  // namespace lockstep::scenarios::certify
