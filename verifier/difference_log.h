#pragma once

#include <fstream>

#include "verifier/verify.h"

namespace lockstep::verifier {

/// Where settled differences go: counted and the first kept in the report, all of them a line each
/// in diff.jsonl.
class DifferenceLog {
 public:
  /// Throws UserError (bad_arguments) if the directory cannot be written.
  DifferenceLog(const VerifyOptions& options, VerifyReport& report);

  void add(Difference difference);
  void add(Unverifiable unverifiable);
  void add_flapping(const Difference& last_seen);
  /// Cuts the file to what was written so far, in all of a check that is continued.
  void resume_at(uint64_t bytes);
  /// So long is the file now, on the disk.
  uint64_t written_bytes();
  /// Throws UserError if the disk did not take everything.
  void close();

 private:
  const VerifyOptions& options_;
  VerifyReport& report_;
  void open(std::ios::openmode mode);

  std::ofstream file_;
};

}  // namespace lockstep::verifier
