#include "scenarios/certify/report_kind.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

namespace fs = std::filesystem;

namespace {

constexpr const char* certificate_file = "certificate.json";
constexpr const char* report_file = "report.json";

[[noreturn]] void refuse(const fs::path& path, const std::string& problem) {
  throw UserError(fmt::format("{}: {}", path.string(), problem), ExitCode::bad_arguments);
}

ReportKind kind_of_directory(const fs::path& path) {
  const bool certificate = fs::exists(path / certificate_file),
             report = fs::exists(path / report_file);
  if (certificate && report)
    refuse(path, fmt::format("holds a {} and a {}: name the one", certificate_file, report_file));
  if (!certificate && !report)
    refuse(path, fmt::format("there is no {} and no {} in it: give what `lockstep certify --out` "
                             "or `lockstep verify --report` wrote",
                             certificate_file, report_file));
  return certificate ? ReportKind::certificate : ReportKind::verify;
}

/// By what is in it; one that is damaged by its name, and its reader says what the damage is.
ReportKind kind_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path, "there is no such file, or it cannot be read");
  const nlohmann::json root = nlohmann::json::parse(file, nullptr, false);
  if (root.is_object() && root.contains("kind")) return ReportKind::certificate;
  if (root.is_object() && root.contains("verdict")) return ReportKind::verify;
  if (path.filename() == certificate_file) return ReportKind::certificate;
  if (path.filename() == report_file) return ReportKind::verify;
  refuse(path, "neither a certificate of `lockstep certify` nor a report of `lockstep verify`");
}

ReportKind kind_of(const fs::path& path) {
  return fs::is_directory(path) ? kind_of_directory(path) : kind_of_file(path);
}

const char* kind_name(ReportKind kind) {
  return kind == ReportKind::certificate ? "a certificate" : "a report of `lockstep verify`";
}

}  // namespace

ReportKind kind_of_reports(const std::vector<fs::path>& paths) {
  if (paths.empty()) throw UserError("no report was given", ExitCode::bad_arguments);
  const ReportKind first = kind_of(paths.front());
  for (const fs::path& path : paths) {
    const ReportKind kind = kind_of(path);
    if (kind != first)
      refuse(path, fmt::format("{}, but {} is {}: they cannot be joined", kind_name(kind),
                               paths.front().string(), kind_name(first)));
  }
  return first;
}

}  // namespace lockstep::scenarios::certify
