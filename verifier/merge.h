#pragma once

#include <filesystem>
#include <vector>

#include "verifier/verify.h"

namespace lockstep::verifier {

/// Joins the reports of a check that was done in parts (`--part` or `--slots`). The verdict is
/// *equal* only if the parts are all there, each once, and all equal. Throws UserError
/// (bad_arguments) if they are not parts of one check.
VerifyReport merge_reports(const std::vector<VerifyReport>& parts, size_t max_differences);

/// Joins the reports in `paths` (report.json or its directory) into `directory`: report.json,
/// diff.jsonl and junit.xml.
VerifyReport merge_files(const std::vector<std::filesystem::path>& paths,
                         const std::filesystem::path& directory, size_t max_differences);

}  // namespace lockstep::verifier
