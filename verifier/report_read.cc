#include "verifier/report_read.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "verifier/base64.h"
#include "verifier/report_files.h"
#include "verifier/report_json.h"

namespace lockstep::verifier {

namespace {

using nlohmann::json;

Verdict verdict_named(const std::string& name) {
  for (const Verdict verdict : {Verdict::equal, Verdict::different, Verdict::unknown}) {
    if (name == verdict_name(verdict)) return verdict;
  }
  throw FormatError(0, "unknown verdict " + name);
}

/// Of "2026-11-21T09:10:11.123Z"; 0: it is no such text.
int64_t time_of(const std::string& text) {
  std::tm at{};
  int ms = 0;
  const int read = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &at.tm_year,
                               &at.tm_mon, &at.tm_mday, &at.tm_hour, &at.tm_min, &at.tm_sec, &ms);
  if (read != 7) return 0;
  at.tm_year -= 1900;
  at.tm_mon -= 1;
  return int64_t{::timegm(&at)} * 1000 + ms;
}

SideReport side_of(const json& side) {
  SideReport report{.urls = side.at("urls"),
                    .nodes = side.at("nodes"),
                    .version = side.at("version"),
                    .keys = side.at("keys"),
                    .bytes = side.at("bytes"),
                    .functions = side.value("functions", uint64_t{0}),
                    .own_keys = side.value("own_keys", uint64_t{0}),
                    .evictions = {},
                    .positions = {}};
  for (const json& each : side.value("evictions", json::array()))
    report.evictions.push_back({each.at("node"), each.at("evicted"), each.at("explained")});
  for (const json& each : side.value("positions", json::array()))
    report.positions.push_back(
        {each.at("node"), each.at("replid"), Offset{each.at("offset").get<int64_t>()}});
  return report;
}

void take_engine(const json& root, VerifyReport& report) {
  if (!root.contains("engine")) return;
  const json& engine = root.at("engine");
  const auto time = [&](const char* name) { return milliseconds(engine.at(name).get<int64_t>()); };
  report.engine = EngineReport{.address = engine.at("address"),
                               .expiry = engine.at("expiry"),
                               .expiry_grace = time("expiry_grace_ms"),
                               .holds = engine.at("holds"),
                               .hold_longest = time("hold_longest_ms"),
                               .hold_total = time("hold_total_ms"),
                               .hold_max = time("hold_max_ms"),
                               .cuts_failed = engine.at("cuts_failed"),
                               .ahead = engine.at("ahead")};
}

void take_scope(const json& scope, VerifyReport& report) {
  report.scope = {.db = scope.value("db", std::vector<uint32_t>()),
                  .match = scope.value("match", ""),
                  .type = scope.value("type", ""),
                  .slots = scope.value("slots", ""),
                  .part = scope.value("part", ""),
                  .sample = scope.value("sample", ""),
                  .keys = scope.value("keys", "")};
  report.scopes = Scope(report.scope).describe();
  report.population = scope.value("sampled_from", uint64_t{0});
  report.differing_at_most = scope.value("differing_at_most", uint64_t{0});
}

void take_counts(const json& counts, VerifyReport& report) {
  report.compared = counts.at("compared");
  report.candidates = counts.at("read_again");
  report.settled = counts.at("settled");
  report.expired = counts.at("expired");
  report.flapping = counts.at("flapping");
  report.unverifiable_count = counts.at("unverifiable");
  for (size_t i = 0; i < diff_class_count; ++i)
    report.counts[i] = counts.value(diff_class_name(static_cast<DiffClass>(i)), uint64_t{0});
  for (const Explained each : {Explained::evicted, Explained::unsupported})
    report.explained[static_cast<size_t>(each)] =
        counts.value(fmt::format("explained_{}", explained_name(each)), uint64_t{0});
  if (counts.contains("libraries_compared"))
    report.libraries_compared = counts.at("libraries_compared").get<uint64_t>();
}

void take_lists(const json& root, VerifyReport& report) {
  for (const json& line : root.at("differences"))
    report.differences.push_back(parse_diff_line(line).difference);
  for (const json& line : root.at("flapping"))
    report.flapping_keys.push_back(parse_diff_line(line).difference);
  for (const json& line : root.at("unverifiable")) {
    report.unverifiable.push_back({DbIndex{line.at("db").get<uint32_t>()},
                                   from_base64(line.at("key_base64").get<std::string>()).value(),
                                   line.at("reason")});
  }
}

VerifyReport report_of(const json& root) {
  if (root.at("schema") != report_schema)
    throw FormatError(
        0, fmt::format("its schema is {}, not {}", root.at("schema").dump(), report_schema));
  VerifyReport report;
  report.started_ms = time_of(root.at("started"));
  report.verdict = verdict_named(root.at("verdict"));
  report.problem = root.at("problem");
  report.method = root.at("method");
  report.cut = root.at("cut");
  report.notes = root.at("notes").get<std::vector<std::string>>();
  report.source = side_of(root.at("source"));
  report.target = side_of(root.at("target"));
  report.expiry_tolerance = milliseconds(root.at("expiry_tolerance_ms").get<int64_t>());
  report.expiry_grace = milliseconds(root.at("expiry_grace_ms").get<int64_t>());
  take_scope(root.value("scope", json::object()), report);
  take_counts(root.at("counts"), report);
  take_lists(root, report);
  take_engine(root, report);
  const json& durations = root.at("duration_ms");
  report.pass_time = milliseconds(durations.at("pass").get<int64_t>());
  report.settle_time = milliseconds(durations.at("settle").get<int64_t>());
  report.duration = milliseconds(durations.at("total").get<int64_t>());
  report.table_bytes_max = root.value("table_bytes_max", uint64_t{0});
  report.spilled_bytes = root.value("spilled_bytes", uint64_t{0});
  return report;
}

}  // namespace

VerifyReport parse_report(const std::string& text, const std::string& name) {
  std::string problem;
  try {
    return report_of(json::parse(text));
  } catch (const std::exception& error) {
    problem = error.what();
  }
  throw UserError(fmt::format("{}: not a report of this program: {}", name, problem),
                  ExitCode::bad_arguments);
}

VerifyReport read_report(const std::filesystem::path& path) {
  const auto file_path = std::filesystem::is_directory(path) ? path / "report.json" : path;
  std::ifstream file(file_path, std::ios::binary);
  if (!file)
    throw UserError(fmt::format("{}: there is no report", file_path.string()),
                    ExitCode::bad_arguments);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return parse_report(text, file_path.string());
}

}  // namespace lockstep::verifier
