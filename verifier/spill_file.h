#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::verifier {

/// A file for what does not fit into memory. As a rule it has no name: the system removes it with
/// the process, however that ends.
class SpillFile {
 public:
  explicit SpillFile(std::filesystem::path directory) : directory_(std::move(directory)) {}
  /// With a name, for a later process: what `kept_bytes` do not cover is cut off. Throws UserError
  /// if the file does not hold so much.
  void keep_as(const std::filesystem::path& path, uint64_t kept_bytes);
  /// Has the disk hold everything.
  void sync() const;
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  /// Appends; returns where it begins. Created with the first. Throws UserError that names the
  /// directory when the disk is full or the file cannot be made.
  uint64_t append(std::span<const Bytes> pieces);
  /// REQUIRES: written before.
  void read(uint64_t offset, char* to, size_t bytes) const;
  uint64_t size() const { return size_; }

 private:
  void open();

  std::filesystem::path directory_;
  int file_ = -1;
  uint64_t size_ = 0;
};

}  // namespace lockstep::verifier
