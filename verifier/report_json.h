#pragma once

#include <filesystem>
#include <string>

#include "sync/base/bytes.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

// report.json and the lines of diff.jsonl, as report.md in this folder describes them. Within a
// schema names are only ever added. Keys stand as "key" (printable) and "key_base64".

inline constexpr int report_schema = 2;

/// What was left alone: some of it no reader of this verifier compares.
std::vector<std::string> not_compared(const VerifyReport& report);

std::string report_json(const VerifyReport& report);
/// Writes report.json and junit.xml into `directory`. Throws UserError.
void write_report(const VerifyReport& report, const std::filesystem::path& directory);

/// `status`: different or flapping. Without the line's end.
std::string difference_line(const Difference& difference, const char* status);
std::string unverifiable_line(const Unverifiable& unverifiable);

}  // namespace lockstep::verifier
