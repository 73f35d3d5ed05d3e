#include "verifier/report_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "verifier/base64.h"
#include "verifier/report_junit.h"
#include "verifier/whole_file.h"

namespace lockstep::verifier {

namespace {

using Json = nlohmann::ordered_json;

Json expiry_json(std::optional<ExpireAt> at) { return at ? Json(at->ms) : Json(nullptr); }

/// "2026-11-21T09:10:11.123Z"
std::string time_text(int64_t ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<time_t>(ms / 1000)),
                     ms % 1000);
}

Json key_json(DbIndex db, const std::string& key, const char* status) {
  return {{"status", status},
          {"db", db.value},
          {"key", printable(key, key.size())},
          {"key_base64", base64(key)}};
}

Json difference_json(const Difference& difference, const char* status) {
  Json json = key_json(difference.db, difference.key, status);
  json["class"] = diff_class_name(difference.diff_class);
  json["source_type"] = difference.source_type;
  json["target_type"] = difference.target_type;
  json["detail"] = difference.detail;
  json["source_expire_at_ms"] = expiry_json(difference.source_expiry);
  json["target_expire_at_ms"] = expiry_json(difference.target_expiry);
  json["source_command"] = difference.source_command;
  json["target_command"] = difference.target_command;
  if (difference.explained != Explained::no)
    json["explained"] = explained_name(difference.explained);
  if (!difference.evicted_by.empty()) json["evicted_by"] = difference.evicted_by.front();
  return json;
}

Json unverifiable_json(const Unverifiable& unverifiable) {
  Json json = key_json(unverifiable.db, unverifiable.key, "unverifiable");
  json["reason"] = unverifiable.reason;
  return json;
}

Json side_json(const SideReport& side) {
  Json json{{"urls", side.urls},        {"nodes", side.nodes}, {"version", side.version},
            {"keys", side.keys},        {"bytes", side.bytes}, {"functions", side.functions},
            {"own_keys", side.own_keys}};
  for (const NodeEvictions& each : side.evictions)
    json["evictions"].push_back(
        {{"node", each.node}, {"evicted", each.evicted}, {"explained", each.explained}});
  if (side.positions.empty()) return json;
  json["positions"] = Json::array();
  for (const NodePosition& each : side.positions)
    json["positions"].push_back(
        {{"node", each.node}, {"replid", each.replid}, {"offset", each.offset.value}});
  return json;
}

Json engine_json(const EngineReport& engine) {
  return {{"address", engine.address},
          {"expiry", engine.expiry},
          {"expiry_grace_ms", engine.expiry_grace.count()},
          {"holds", engine.holds},
          {"hold_longest_ms", engine.hold_longest.count()},
          {"hold_total_ms", engine.hold_total.count()},
          {"hold_max_ms", engine.hold_max.count()},
          {"cuts_failed", engine.cuts_failed},
          {"ahead", engine.ahead}};
}

Json counts_json(const VerifyReport& report) {
  Json json{{"compared", report.compared},
            {"read_again", report.candidates},
            {"settled", report.settled},
            {"expired", report.expired},
            {"flapping", report.flapping},
            {"unverifiable", report.unverifiable_count},
            {"different", report.difference_count()}};
  for (size_t i = 0; i < diff_class_count; ++i)
    json[diff_class_name(static_cast<DiffClass>(i))] = report.counts[i];
  for (const Explained each : {Explained::evicted, Explained::unsupported})
    json[fmt::format("explained_{}", explained_name(each))] =
        report.explained[static_cast<size_t>(each)];
  if (report.libraries_compared) json["libraries_compared"] = *report.libraries_compared;
  return json;
}

Json repair_json(const RepairReport& repair) {
  return {{"dry_run", repair.dry_run},
          {"written", repair.written},
          {"removed", repair.removed},
          {"agreed", repair.agreed},
          {"left", repair.left},
          {"left_why", repair.left_why},
          {"problem", repair.problem},
          {"journal", repair.journal.string()},
          {"duration_ms", repair.duration.count()}};
}

/// What was given; empty: all keys were compared.
Json scope_json(const VerifyReport& report) {
  const ScopeOptions& scope = report.scope;
  Json json = Json::object();
  if (!scope.db.empty()) json["db"] = scope.db;
  for (const auto& [name, text] : {std::pair{"match", &scope.match},
                                   {"type", &scope.type},
                                   {"slots", &scope.slots},
                                   {"part", &scope.part},
                                   {"sample", &scope.sample},
                                   {"keys", &scope.keys}}) {
    if (!text->empty()) json[name] = *text;
  }
  if (report.population > 0) {
    json["sampled_from"] = report.population;
    json["differing_at_most"] = report.differing_at_most;
  }
  return json;
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  if (const std::error_code error = write_whole_file(path, text))
    throw UserError(fmt::format("{}: cannot be written: {}", path.string(), error.message()));
}

/// Keys may be any bytes; what is not UTF-8 is replaced, and key_base64 is exact.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::vector<std::string> not_compared(const VerifyReport& report) {
  static const std::vector<std::string> list{"encodings", "LRU and LFU data",
                                             "seen and active times of consumers",
                                             "cached cardinality of HyperLogLogs",
                                             "entries-read of a group where a server has lost "
                                             "count (-1), or the source is 7.0, which does "
                                             "not replicate it"};
  std::vector<std::string> all{report.libraries_compared ? "cached scripts"
                                                         : "functions and cached scripts"};
  all.insert(all.end(), list.begin(), list.end());
  return all;
}

std::string report_json(const VerifyReport& report) {
  Json json{{"schema", report_schema},
            {"started", time_text(report.started_ms)},
            {"verdict", verdict_name(report.verdict)},
            {"exit_code", static_cast<int>(report.exit_code())},
            {"problem", report.problem},
            {"method", report.method},
            {"cut", report.cut},
            {"expiry_tolerance_ms", report.expiry_tolerance.count()},
            {"expiry_grace_ms", report.expiry_grace.count()},
            {"source", side_json(report.source)},
            {"target", side_json(report.target)},
            {"scope", scope_json(report)},
            {"counts", counts_json(report)},
            {"not_compared", not_compared(report)},
            {"notes", report.notes}};
  json["differences"] = Json::array();
  for (const Difference& difference : report.differences)
    json["differences"].push_back(difference_json(difference, "different"));
  json["unverifiable"] = Json::array();
  for (const Unverifiable& each : report.unverifiable)
    json["unverifiable"].push_back(unverifiable_json(each));
  json["flapping"] = Json::array();
  for (const Difference& each : report.flapping_keys)
    json["flapping"].push_back(difference_json(each, "flapping"));
  json["duration_ms"] = {{"pass", report.pass_time.count()},
                         {"settle", report.settle_time.count()},
                         {"total", report.duration.count()}};
  if (report.engine) json["engine"] = engine_json(*report.engine);
  if (report.repair) json["repair"] = repair_json(*report.repair);
  json["table_bytes_max"] = report.table_bytes_max;
  json["spilled_bytes"] = report.spilled_bytes;
  return dump(json, 2) + "\n";
}

void write_report(const VerifyReport& report, const std::filesystem::path& directory) {
  write_file(directory / "junit.xml", report_junit(report));
  write_file(directory / "report.json", report_json(report));
}

std::string difference_line(const Difference& difference, const char* status) {
  return dump(difference_json(difference, status), -1);
}

std::string unverifiable_line(const Unverifiable& unverifiable) {
  return dump(unverifiable_json(unverifiable), -1);
}

}  // namespace lockstep::verifier
