#include "scenarios/losses.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

namespace lockstep::scenarios {

namespace {

using nlohmann::json;
using KeyName = std::pair<uint64_t, std::string>;  // database, name in base64

void each_line(const std::filesystem::path& file, const std::function<void(const json&)>& visit) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const json object = json::parse(line, nullptr, false);
    visit(object.is_object() ? object : json::object());
  }
}

KeyName name_of(const json& line) {
  return {line.value("db", uint64_t{0}), line.value("key_base64", "")};
}

std::map<KeyName, std::string> read_left_out(const std::filesystem::path& file) {
  std::map<KeyName, std::string> reasons;
  each_line(file, [&](const json& line) { reasons[name_of(line)] = line.value("reason", ""); });
  return reasons;
}

bool lacks_a_module(const Holds& target, const Holds& source) {
  const auto& there = target.server.modules;
  return std::any_of(source.server.modules.begin(), source.server.modules.end(),
                     [&](const std::string& module) {
                       return std::find(there.begin(), there.end(), module) == there.end();
                     });
}

constexpr const char* streams_lost = "streams";
constexpr const char* field_expiry_lost = "hashes with fields that expire";
constexpr const char* modules_lost = "values of modules";
constexpr const char* databases_lost = "keys of other databases than 0";
constexpr const char* functions_lost = "libraries of functions";

/// What cannot be held, in words; empty: the target can hold a value of this type, as the verifier
/// saw it in the source, whatever the engine says.
std::string loss_of(const std::string& reason, const std::string& type, const Holds& source,
                    const Holds& target) {
  if (reason == "streams" && type == "stream" && !target.server.has("streams")) return streams_lost;
  if (reason == "field-expiry" && type == "hash" && !target.server.has("field-expiry"))
    return field_expiry_lost;
  if (reason == "module" && type == "module" && lacks_a_module(target, source)) return modules_lost;
  if (reason == "database" && target.clustered && !source.clustered) return databases_lost;
  return "";
}

}  // namespace

std::span<const LossKind> loss_kinds() {
  static constexpr LossKind kinds[] = {{"left_out_streams", streams_lost},
                                       {"left_out_field_expiry", field_expiry_lost},
                                       {"left_out_modules", modules_lost},
                                       {"left_out_databases", databases_lost},
                                       {"left_out_functions", functions_lost}};
  return kinds;
}

LossFindings find_losses(const std::filesystem::path& report, const std::filesystem::path& left_out,
                         const Holds& source, const Holds& target) {
  const auto reasons = read_left_out(left_out);
  LossFindings findings;
  each_line(report / "diff.jsonl", [&](const json& line) {
    if (line.value("status", "different") != "different") return;  // could not be told
    const std::string kind = line.value("class", "");
    std::string loss;
    if (line.value("explained", "") == "unsupported") {
      const bool stream = line.value("source_type", "") == "stream";
      loss = kind == "function" ? functions_lost : stream ? streams_lost : field_expiry_lost;
    } else if (const auto found = reasons.find(name_of(line));
               kind == "missing" && found != reasons.end()) {
      loss = loss_of(found->second, line.value("source_type", ""), source, target);
    }
    loss.empty() ? ++findings.others : ++findings.losses[loss];
  });
  return findings;
}

}  // namespace lockstep::scenarios
