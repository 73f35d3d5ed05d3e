#pragma once

#include <filesystem>
#include <string>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// The field `kind` of certificate.json, by which it is told from other reports.
inline constexpr const char* certificate_kind = "lockstep certificate";

/// certificate.json. The cells in the table's order, whatever theirs is; bytes that are not UTF-8
/// are replaced.
std::string to_json(const Certificate& certificate);

/// The inverse of to_json(). Strict: every field is there, of its type, and known; the cells are
/// of the request's part, each once; no cell claims an outcome that its own cases, goals, losses or
/// findings deny. `name` stands in messages, before the field. Throws UserError (bad_arguments).
Certificate parse_certificate(const std::string& text, const std::string& name);

/// Of a certificate.json, or of the directory that holds it.
Certificate read_certificate(const std::filesystem::path& path);

}  // namespace lockstep::scenarios::certify
