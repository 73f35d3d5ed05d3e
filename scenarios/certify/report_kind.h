#pragma once

#include <filesystem>
#include <vector>

namespace lockstep::scenarios::certify {

enum class ReportKind {
  verify,       ///< report.json of `lockstep verify`
  certificate,  ///< certificate.json of `lockstep certify`
};

/// What all of `paths` are: files, or directories that hold one. Throws UserError (bad_arguments)
/// if one is neither, or if they are not all of the same kind.
ReportKind kind_of_reports(const std::vector<std::filesystem::path>& paths);

}  // namespace lockstep::scenarios::certify
