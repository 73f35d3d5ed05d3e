#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "verifier/tolerance.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// What report.json says about where and how was compared.
struct ReportedSides {
  std::vector<std::string> from;  ///< without passwords
  std::vector<std::string> to;
  Tolerance tolerance;
};
/// Throws UserError (bad_arguments) that names the file and what is wrong with it.
ReportedSides read_reported_sides(const std::filesystem::path& directory);

/// The inverse of diff_class_name(). Throws FormatError.
DiffClass diff_class_named(const std::string& name);

/// A line of diff.jsonl that has a class; without its commands.
struct DiffLine {
  std::string status;
  Difference difference;
};

/// Throws FormatError and what nlohmann::json throws. Also for objects of report.json, whose
/// commands are kept.
DiffLine parse_diff_line(const nlohmann::json& line);

/// Reads the lines of a diff.jsonl one by one; those of unverifiable keys are skipped.
class DiffReader {
 public:
  /// Throws UserError (bad_arguments) if there is no such file.
  explicit DiffReader(const std::filesystem::path& file);
  /// nullopt at the end. Throws UserError that names the line if it is damaged.
  std::optional<DiffLine> next();

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  uint64_t line_ = 0;
};

}  // namespace lockstep::verifier
