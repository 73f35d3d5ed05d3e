#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace lockstep::verifier {

/// What a check has done so far, in one file that is always whole: written beside it, synced,
/// renamed into its place.
class StateFile {
 public:
  /// `check`: what the run must have in common with the one that wrote the file.
  StateFile(std::filesystem::path path, std::string check)
      : path_(std::move(path)), check_(std::move(check)) {}

  /// nullopt: there is none. Throws UserError (bad_arguments) if it is damaged or of another check.
  std::optional<nlohmann::json> load() const;
  /// Throws UserError if it cannot be written.
  void save(nlohmann::json state) const;
  void remove() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::string check_;
};

}  // namespace lockstep::verifier
