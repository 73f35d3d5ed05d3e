#pragma once

#include <cstdint>
#include <string>

#include "sync/rdb/framer.h"

namespace lockstep::rdb {

struct FileSummary {
  uint64_t keys = 0;
  uint64_t bytes = 0;
  uint32_t version = 0;
  bool valkey = false;
  bool checksum_present = false;
};

/// Reads and frames a whole RDB file and verifies its checksum. No value is decoded. Throws
/// UserError if the file cannot be read, FormatError with the offset where it is damaged or ends.
FileSummary check_file(const std::string& path);

}  // namespace lockstep::rdb
