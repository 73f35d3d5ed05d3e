#include "verifier/key_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sync/base/error.h"
#include "verifier/base64.h"

namespace lockstep::verifier {

namespace {

constexpr size_t keys_at_once = 128;

/// nullopt: it is no line of diff.jsonl.
std::optional<Candidate> reported_key(const std::string& line) {
  if (!line.starts_with('{')) return std::nullopt;
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("key_base64")) return std::nullopt;
  const auto key = json["key_base64"].is_string()
                       ? from_base64(json["key_base64"].get<std::string>())
                       : std::nullopt;
  if (!key) return std::nullopt;
  return Candidate{.db = DbIndex{json.value("db", 0u)}, .key = *key, .places = {}};
}

}  // namespace

KeyList::KeyList(std::string path, const Scope& scope)
    : path_(std::move(path)), scope_(scope), file_(path_, std::ios::binary) {
  if (!file_)
    throw UserError(fmt::format("--keys {}: the file cannot be read", path_),
                    ExitCode::bad_arguments);
}

std::vector<Candidate> KeyList::next() {
  std::vector<Candidate> keys;
  std::string line;
  while (keys.size() < keys_at_once && std::getline(file_, line)) add(line, keys);
  if (file_.bad()) throw UserError(fmt::format("--keys {}: reading it failed", path_));
  return keys;
}

void KeyList::add(const std::string& line, std::vector<Candidate>& keys) {
  const auto add_in_scope = [&](Candidate key) {
    if (scope_.take(key.db, key.key) == Take::yes) keys.push_back(std::move(key));
  };
  if (auto reported = reported_key(line)) return add_in_scope(std::move(*reported));
  std::vector<uint32_t> dbs = scope_.options().db;
  if (dbs.empty()) dbs.push_back(0);
  for (const uint32_t db : dbs) add_in_scope({.db = DbIndex{db}, .key = line, .places = {}});
}

}  // namespace lockstep::verifier
