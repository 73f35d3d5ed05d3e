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
  /// Throws UserError if the disk did not take everything.
  void close();

 private:
  const VerifyOptions& options_;
  VerifyReport& report_;
  std::ofstream file_;
};

}  // namespace lockstep::verifier
