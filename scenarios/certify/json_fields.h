#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace lockstep::scenarios::certify {

/// What is wrong with a field: "cells[3].cases: a whole number is expected, not "x"".
class FieldError : public std::runtime_error {
 public:
  FieldError(const std::string& path, const std::string& problem)
      : std::runtime_error(path.empty() ? problem : path + ": " + problem) {}
};

/// Reads a JSON object strictly: each field is of its type, none is missing, none is left over.
/// Every function throws FieldError.
class Fields {
 public:
  /// `path` of the object in the file; empty: the file's root. `object` must outlive this.
  Fields(const nlohmann::json& object, std::string path);

  std::string text(const char* name);
  uint64_t count(const char* name);
  double number(const char* name);  ///< finite, not negative
  bool flag(const char* name);
  std::vector<std::string> texts(const char* name);
  Fields object(const char* name) { return {field(name), path_of(name)}; }

  /// `read(Fields&)` for each object of an array; what it leaves over is an error.
  template <class Read>
  auto list(const char* name, Read read) {
    std::vector<decltype(read(*this))> all;
    const nlohmann::json& array = array_of(name);
    for (size_t i = 0; i < array.size(); ++i) {
      Fields each(array[i], path_of(name) + "[" + std::to_string(i) + "]");
      all.push_back(read(each));
      each.end();
    }
    return all;
  }

  /// Throws if there is a field that was not asked for.
  void end() const;
  [[noreturn]] void refuse(const char* name, const std::string& problem) const;

 private:
  const nlohmann::json& field(const char* name);
  const nlohmann::json& array_of(const char* name);
  std::string path_of(const std::string& name) const;

  const nlohmann::json& object_;
  std::string path_;
  std::set<std::string> taken_;
};

}  // namespace lockstep::scenarios::certify
