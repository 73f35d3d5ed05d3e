#pragma once

#include <filesystem>
#include <string>

#include "verifier/verify.h"

namespace lockstep::verifier {

/// The verdict, a table, and the differences kept in the report, for a terminal.
std::string report_text(const VerifyReport& report, const std::filesystem::path& directory);

/// One of them: the key, also in base64 where it is binary, where the two sides part, both
/// expiries, and the commands that show it.
std::string difference_text(const Difference& difference);
std::string unverifiable_text(const Unverifiable& unverifiable);

}  // namespace lockstep::verifier
