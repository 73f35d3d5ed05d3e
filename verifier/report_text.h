#pragma once

#include <filesystem>
#include <string>

#include "verifier/verify.h"

namespace lockstep::verifier {

/// The verdict, a table, and the differences kept in the report, for a terminal.
std::string report_text(const VerifyReport& report, const std::filesystem::path& directory);

}  // namespace lockstep::verifier
