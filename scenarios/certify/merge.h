#pragma once

#include <filesystem>
#include <vector>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// Joins the parts of one request (`--shard`). The cells of a part that is missing, or that was
/// stopped before them, are not certified and say so. Throws UserError (bad_arguments) if the parts
/// are not of one request and one version of lockstep, if one is there twice, or if a server's
/// build differs between them.
Certificate merge_certificates(const std::vector<Certificate>& parts);

/// The same of certificate.json files, or the directories that hold them, into `directory`, which
/// is another one. Throws UserError.
Certificate merge_certificate_files(const std::vector<std::filesystem::path>& paths,
                                    const std::filesystem::path& directory);

}  // namespace lockstep::scenarios::certify
