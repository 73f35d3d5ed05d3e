#include "verifier/report_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "verifier/base64.h"

namespace lockstep::verifier {

using nlohmann::json;

namespace {

std::optional<ExpireAt> expiry_of(const json& line, const char* name) {
  const json& value = line.at(name);
  return value.is_null() ? std::nullopt : std::optional(ExpireAt{value.get<int64_t>()});
}

std::string key_of(const json& line) {
  const auto key = from_base64(line.at("key_base64").get<std::string>());
  if (!key) throw FormatError(0, "key_base64 is not base64");
  return *key;
}

}  // namespace

DiffLine parse_diff_line(const json& line) {
  Difference difference;
  difference.diff_class = diff_class_named(line.at("class").get<std::string>());
  difference.db = DbIndex{line.at("db").get<uint32_t>()};
  difference.key = key_of(line);
  difference.source_type = line.value("source_type", "none");
  difference.target_type = line.value("target_type", "none");
  difference.detail = line.value("detail", "");
  difference.source_expiry = expiry_of(line, "source_expire_at_ms");
  difference.target_expiry = expiry_of(line, "target_expire_at_ms");
  difference.source_command = line.value("source_command", "");
  difference.target_command = line.value("target_command", "");
  const std::string explained = line.value("explained", "");
  for (const Explained each : {Explained::evicted, Explained::unsupported}) {
    if (explained == explained_name(each)) difference.explained = each;
  }
  if (line.contains("evicted_by")) difference.evicted_by = {line.at("evicted_by")};
  return {line.at("status").get<std::string>(), std::move(difference)};
}

DiffClass diff_class_named(const std::string& name) {
  for (size_t i = 0; i < diff_class_count; ++i) {
    if (name == diff_class_name(static_cast<DiffClass>(i))) return static_cast<DiffClass>(i);
  }
  throw FormatError(0, "unknown class " + name);
}

ReportedSides read_reported_sides(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "report.json";
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw UserError(fmt::format("{}: there is no report; give the directory that `lockstep verify "
                                "--report DIR` wrote",
                                path.string()),
                    ExitCode::bad_arguments);
  }
  try {
    const json root = json::parse(file);
    ReportedSides sides{root.at("source").at("urls"), root.at("target").at("urls"), {}};
    sides.tolerance.tolerance = milliseconds(root.value("expiry_tolerance_ms", int64_t{1000}));
    sides.tolerance.grace = milliseconds(root.value("expiry_grace_ms", int64_t{0}));
    return sides;
  } catch (const json::exception& error) {
    throw UserError(
        fmt::format("{}: not a report of this program: {}", path.string(), error.what()),
        ExitCode::bad_arguments);
  }
}

DiffReader::DiffReader(const std::filesystem::path& file)
    : path_(file), file_(file, std::ios::binary) {
  if (!file_)
    throw UserError(fmt::format("{}: there is no such file", file.string()),
                    ExitCode::bad_arguments);
}

std::optional<DiffLine> DiffReader::next() {
  for (std::string line; std::getline(file_, line);) {
    ++line_;
    try {
      const json object = json::parse(line);
      if (object.contains("class")) return parse_diff_line(object);
    } catch (const std::exception& error) {
      throw UserError(fmt::format("{}, line {}: damaged: {}", path_.string(), line_, error.what()));
    }
  }
  return std::nullopt;
}

}  // namespace lockstep::verifier
