#pragma once

#include <filesystem>
#include <string>

#include "verifier/verify.h"

namespace lockstep::verifier {

/// The inverse of report_json(), without what a repair did. `name` stands in messages. Throws
/// UserError (bad_arguments) if it is no such text.
VerifyReport parse_report(const std::string& text, const std::string& name);
/// Of a report.json, or of the directory that holds it.
VerifyReport read_report(const std::filesystem::path& path);

}  // namespace lockstep::verifier
