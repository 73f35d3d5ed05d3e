#include "scenarios/certify/certificate_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "scenarios/certify/certificate_json.h"
#include "scenarios/certify/certificate_text.h"
#include "verifier/whole_file.h"

namespace lockstep::scenarios::certify {

namespace {

void write_file(const std::filesystem::path& path, const std::string& text) {
  if (const std::error_code error = verifier::write_whole_file(path, text))
    throw UserError(
        fmt::format("{}: cannot be written: {}; what is there already is whole, and "
                    "the same command goes on from it",
                    path.string(), error.message()));
}

}  // namespace

void write_files(const Certificate& certificate, const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    throw UserError(
        fmt::format("cannot make the directory {}: {}", directory.string(), error.message()));
  write_file(directory / "certificate.json", to_json(certificate));
  write_file(directory / "certificate.md", certificate_markdown(certificate));
  write_file(directory / "junit.xml", certificate_junit(certificate));
}

void print_table(const Certificate& certificate) {
  const bool colour = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  fmt::print("{}", certificate_text(certificate, colour));
  std::fflush(stdout);
}

}  // namespace lockstep::scenarios::certify
