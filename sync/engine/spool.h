#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::engine {

struct SpoolOptions {
  size_t memory_bytes_max = 48ull << 20;  ///< held in memory before bytes go to disk
  uint64_t disk_bytes_max = 0;            ///< 0: as much as the disk has
  std::filesystem::path directory = ".";  ///< where the spill file is made (and unlinked at once)
};

/// First in, first out bytes between a source link's reader and its consumer: in memory up to a
/// bound, behind that in a file, so that a slow target never makes the source drop the link. No
/// Asio; file reads and writes block, in pieces of chunk_bytes.
///
///     append() → [ tail chunk ] ⇒ [ file: written … read ] ⇒ [ memory chunks ] → take()
///
/// Once the file holds bytes, all newer ones go behind them, until it is empty again.
class Spool {
 public:
  static constexpr size_t chunk_bytes = 1 << 20;

  explicit Spool(SpoolOptions options);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// Throws UserError when the disk is full or the bound is reached, naming the file's folder and
  /// the option.
  void append(Bytes data);
  /// Appends the oldest bytes, about a chunk of them, to `out`. Returns how many (0: empty).
  size_t take(std::string& out);

  /// Drops all of them.
  void clear();

  bool empty() const { return bytes_ == 0; }
  uint64_t bytes() const { return bytes_; }
  uint64_t bytes_on_disk() const { return written_ - read_; }
  uint64_t bytes_on_disk_peak() const { return disk_peak_; }

 private:
  std::string& room();
  void spill(Bytes data);
  size_t take_from_disk(std::string& out);
  void open_file();
  void release_read_part();

  SpoolOptions options_;
  std::deque<std::string> chunks_;
  std::string spare_;
  uint64_t memory_ = 0;
  uint64_t bytes_ = 0;
  int file_ = -1;
  uint64_t written_ = 0;
  uint64_t read_ = 0;
  uint64_t released_ = 0;
  uint64_t disk_peak_ = 0;
};

}  // namespace lockstep::engine
