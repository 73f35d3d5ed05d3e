#pragma once

#include <filesystem>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// certificate.json, certificate.md and junit.xml in `directory`, which is made. Each is renamed
/// into its place: a reader finds all of it, a failure leaves the old one. Throws UserError.
void write_files(const Certificate& certificate, const std::filesystem::path& directory);

/// certificate_text() to standard output, coloured if that is a terminal (and NO_COLOR is not
/// set).
void print_table(const Certificate& certificate);

}  // namespace lockstep::scenarios::certify
