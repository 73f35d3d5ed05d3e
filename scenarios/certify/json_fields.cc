#include "scenarios/certify/json_fields.h"

#include <fmt/format.h>

#include <cmath>

#include "sync/base/bytes.h"

namespace lockstep::scenarios::certify {

using nlohmann::json;

namespace {

constexpr size_t shown_max = 40;

std::string shown(const json& value) {
  if (value.is_object() || value.is_array()) return value.type_name();
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace), shown_max);
}

[[noreturn]] void unexpected(const std::string& path, const char* expected, const json& value) {
  throw FieldError(path, fmt::format("{} is expected, not {}", expected, shown(value)));
}

}  // namespace

Fields::Fields(const json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object_.is_object()) unexpected(path_, "an object", object_);
}

std::string Fields::path_of(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void Fields::refuse(const char* name, const std::string& problem) const {
  throw FieldError(path_of(name), problem);
}

const json& Fields::field(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end()) refuse(name, "is missing");
  taken_.insert(name);
  return *found;
}

std::string Fields::text(const char* name) {
  const json& value = field(name);
  if (!value.is_string()) unexpected(path_of(name), "text", value);
  return value;
}

uint64_t Fields::count(const char* name) {
  const json& value = field(name);
  if (!value.is_number_unsigned()) unexpected(path_of(name), "a whole number from 0 on", value);
  return value;
}

double Fields::number(const char* name) {
  const json& value = field(name);
  if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < 0)
    unexpected(path_of(name), "a number from 0 on", value);
  return value;
}

bool Fields::flag(const char* name) {
  const json& value = field(name);
  if (!value.is_boolean()) unexpected(path_of(name), "true or false", value);
  return value;
}

const json& Fields::array_of(const char* name) {
  const json& value = field(name);
  if (!value.is_array()) unexpected(path_of(name), "a list", value);
  return value;
}

std::vector<std::string> Fields::texts(const char* name) {
  std::vector<std::string> all;
  for (const json& value : array_of(name)) {
    if (!value.is_string())
      unexpected(fmt::format("{}[{}]", path_of(name), all.size()), "text", value);
    all.push_back(value);
  }
  return all;
}

void Fields::end() const {
  for (const auto& item : object_.items()) {
    if (!taken_.contains(item.key()))
      throw FieldError(path_of(printable(item.key(), shown_max)), "no such field is known");
  }
}

}  // namespace lockstep::scenarios::certify
