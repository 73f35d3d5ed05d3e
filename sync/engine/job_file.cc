#include "sync/engine/job_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <map>

#include "sync/base/error.h"
#include "sync/base/nearest.h"
#include "sync/base/units.h"

namespace lockstep::engine {

namespace {

using Setter = std::function<void(SyncFlags&, const YAML::Node&)>;

Setter text(std::string SyncFlags::*member) {
  return [member](SyncFlags& flags, const YAML::Node& node) {
    flags.*member = node.as<std::string>();
  };
}

Setter flag(bool SyncFlags::*member) {
  return [member](SyncFlags& flags, const YAML::Node& node) { flags.*member = node.as<bool>(); };
}

Setter list(std::vector<std::string> SyncFlags::*member) {
  return [member](SyncFlags& flags, const YAML::Node& node) {
    flags.*member = node.IsSequence() ? node.as<std::vector<std::string>>()
                                      : std::vector<std::string>{node.as<std::string>()};
  };
}

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> table{
      {"from", list(&SyncFlags::from)},
      {"to", list(&SyncFlags::to)},
      {"ignore", list(&SyncFlags::ignore)},
      {"from_topology", text(&SyncFlags::from_topology)},
      {"to_topology", text(&SyncFlags::to_topology)},
      {"existing", text(&SyncFlags::existing)},
      {"expiry", text(&SyncFlags::expiry)},
      {"expiry_grace", text(&SyncFlags::expiry_grace)},
      {"unsupported", text(&SyncFlags::unsupported)},
      {"unsupported_list", text(&SyncFlags::unsupported_list)},
      {"until", text(&SyncFlags::until)},
      {"control", text(&SyncFlags::control)},
      {"spool_dir", text(&SyncFlags::spool_dir)},
      {"spool_memory", text(&SyncFlags::spool_memory)},
      {"spool_disk_max", text(&SyncFlags::spool_disk_max)},
      {"in_flight", text(&SyncFlags::in_flight)},
      {"retry_for", text(&SyncFlags::retry_for)},
      {"log_level", text(&SyncFlags::log_level)},
      {"log_file", text(&SyncFlags::log_file)},
      {"publish", flag(&SyncFlags::publish)},
      {"quiet", flag(&SyncFlags::quiet)},
  };
  return table;
}

[[noreturn]] void refuse(const std::string& path, const YAML::Mark& mark,
                         const std::string& message) {
  throw UserError(fmt::format("{}:{}: {}", path, mark.line + 1, message), ExitCode::bad_arguments);
}

void read_item(const std::string& path, SyncFlags& flags, const YAML::Node& name,
               const YAML::Node& value) {
  const auto found = setters().find(name.Scalar());
  if (found == setters().end()) {
    std::vector<std::string> known;
    for (const auto& [key, setter] : setters()) known.push_back(key);
    refuse(path, name.Mark(),
           fmt::format("unknown key \"{}\"; did you mean \"{}\"?", name.Scalar(),
                       nearest(name.Scalar(), known)));
  }
  try {
    found->second(flags, value);
  } catch (const YAML::Exception&) {
    refuse(path, value.Mark(), fmt::format("\"{}\" has a value of the wrong kind", name.Scalar()));
  }
}

template <class Choice>
Choice choose(const std::string& text, const std::map<std::string, Choice>& choices,
              const char* name) {
  const auto found = choices.find(text);
  if (found != choices.end()) return found->second;
  std::string known;
  for (const auto& [key, value] : choices) known += (known.empty() ? "" : ", ") + key;
  throw UserError(fmt::format("{}: \"{}\" is not one of {}", name, text, known),
                  ExitCode::bad_arguments);
}

}  // namespace

void read_job_file(const std::string& path, SyncFlags& flags) {
  YAML::Node root;
  try {
    root = YAML::LoadFile(path);
  } catch (const YAML::BadFile&) {
    throw UserError(fmt::format("the job file {} cannot be read", path), ExitCode::bad_arguments);
  } catch (const YAML::Exception& error) {
    refuse(path, error.mark, error.msg);
  }
  if (!root.IsMap())
    throw UserError(fmt::format("{}: a job file is a map of flags", path), ExitCode::bad_arguments);
  for (const auto& item : root) read_item(path, flags, item.first, item.second);
}

SyncOptions to_options(const SyncFlags& flags) {
  SyncOptions options;
  options.from = flags.from;
  options.to = flags.to;
  options.from_topology = flags.from_topology;
  options.to_topology = flags.to_topology;
  options.ignore = {flags.ignore.begin(), flags.ignore.end()};
  options.existing = choose<ExistingData>(
      flags.existing, {{"stop", ExistingData::stop}, {"overwrite", ExistingData::overwrite}},
      "--existing");
  options.expiry = choose<ExpiryMode>(
      flags.expiry, {{"replica", ExpiryMode::replica}, {"exact", ExpiryMode::exact}}, "--expiry");
  options.until = choose<Until>(
      flags.until, {{"stopped", Until::stopped}, {"caught-up", Until::caught_up}}, "--until");
  options.unsupported = choose<OnUnsupported>(
      flags.unsupported, {{"stop", OnUnsupported::stop}, {"report", OnUnsupported::report}},
      "--unsupported");
  options.unsupported_list = flags.unsupported_list;
  options.expiry_grace = parse_duration(flags.expiry_grace, "--expiry-grace");
  options.publish = flags.publish;
  options.control = flags.control;
  options.spool_dir = flags.spool_dir;
  options.spool_memory = parse_size(flags.spool_memory, "--spool-memory");
  options.spool_disk_max = parse_size(flags.spool_disk_max, "--spool-disk-max");
  options.in_flight = parse_size(flags.in_flight, "--in-flight");
  options.retry_for = parse_duration(flags.retry_for, "--retry-for");
  options.log_level = flags.log_level;
  options.log_file = flags.log_file;
  options.quiet = flags.quiet;
  validate(options);
  return options;
}

}  // namespace lockstep::engine
