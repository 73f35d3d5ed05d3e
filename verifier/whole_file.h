#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace lockstep::verifier {

/// Writes `text` beside `path` (`path`.new), has the disk hold it, and renames it into its place:
/// whoever finds the file finds all of it, whatever happened meanwhile. Returns what went wrong;
/// then the file is as it was before, and nothing is left beside it.
std::error_code write_whole_file(const std::filesystem::path& path, const std::string& text,
                                 mode_t mode = 0666);

}  // namespace lockstep::verifier
