#include "verifier/state_file.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"
#include "verifier/whole_file.h"

namespace lockstep::verifier {

namespace {

constexpr int state_schema = 1;

/// The file's two lines: the hash of the second, and the state.
std::string with_hash(const std::string& body) {
  return fmt::format("{:016x}\n{}\n", XXH3_64bits(body.data(), body.size()), body);
}

}  // namespace

std::optional<nlohmann::json> StateFile::load() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) {
    if (!std::filesystem::exists(path_)) return std::nullopt;
    throw UserError(fmt::format("--state {}: cannot be read", path_.string()),
                    ExitCode::bad_arguments);
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t line = text.find('\n');
  const std::string body = line == std::string::npos || text.size() < line + 2
                               ? std::string()
                               : text.substr(line + 1, text.size() - line - 2);
  nlohmann::json state = nlohmann::json::parse(body, nullptr, false);
  if (with_hash(body) != text || !state.is_object() || !state.contains("schema")) {
    throw UserError(fmt::format("--state {}: the file is damaged or not one of `lockstep verify`: "
                                "remove it to begin anew",
                                path_.string()),
                    ExitCode::bad_arguments);
  }
  if (state["schema"] != state_schema || state["check"] != check_) {
    throw UserError(fmt::format("--state {}: the file belongs to another check ({}); this one is "
                                "{}. Give the same arguments again, or remove the file to begin "
                                "anew",
                                path_.string(), state.value("check", "?"), check_),
                    ExitCode::bad_arguments);
  }
  return state;
}

void StateFile::save(nlohmann::json state) const {
  state["schema"] = state_schema;
  state["check"] = check_;
  const std::error_code error = write_whole_file(path_, with_hash(state.dump()), 0600);
  if (error) {
    throw UserError(
        fmt::format("--state {}: cannot be written: {}", path_.string(), error.message()));
  }
}

void StateFile::remove() const {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace lockstep::verifier
