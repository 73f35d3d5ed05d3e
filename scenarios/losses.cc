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

/// What cannot be held, in words; empty: the target can, whatever the engine says.
std::string loss_of(const std::string& reason, const Holds& source, const Holds& target) {
  if (reason == "streams" && !target.server.has("streams")) return "streams";
  if (reason == "field-expiry" && !target.server.has("field-expiry"))
    return "hashes with fields that expire";
  if (reason == "module" && lacks_a_module(target, source)) return "values of modules";
  if (reason == "database" && target.clustered && !source.clustered)
    return "keys of other databases than 0";
  return "";
}

}  // namespace

LossFindings find_losses(const std::filesystem::path& report, const std::filesystem::path& left_out,
                         const Holds& source, const Holds& target) {
  const auto reasons = read_left_out(left_out);
  LossFindings findings;
  each_line(report / "diff.jsonl", [&](const json& line) {
    const std::string kind = line.value("class", "");
    std::string loss;
    if (line.value("explained", "") == "unsupported") {
      const bool stream = line.value("source_type", "") == "stream";
      loss = kind == "function" ? "libraries of functions"
             : stream           ? "streams"
                                : "hashes with fields that expire";
    } else if (const auto found = reasons.find(name_of(line));
               kind == "missing" && found != reasons.end()) {
      loss = loss_of(found->second, source, target);
    }
    loss.empty() ? ++findings.others : ++findings.losses[loss];
  });
  return findings;
}

}  // namespace lockstep::scenarios
