#include "scenarios/certify/request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <sstream>

#include "fixtures/catalogue.h"
#include "scenarios/families.h"
#include "scenarios/yaml_map.h"
#include "sync/base/error.h"
#include "sync/base/nearest.h"

namespace lockstep::scenarios::certify {

namespace {

constexpr uint64_t cases_max = 1000;
constexpr uint64_t seed_max = uint64_t{1} << 53;
constexpr uint64_t matrix_version = 1;

[[noreturn]] void refuse(const std::string& message) {
  throw UserError(message, ExitCode::bad_arguments);
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The entry that a person names: one that is here, and a server.
const fixtures::ServerSpec& usable_server(const std::string& name) {
  const fixtures::ServerSpec& spec = fixtures::find_server(name);
  if (spec.proxy) refuse(name + " is a proxy: a matrix is of servers");
  fixtures::locate_or_throw(spec);
  return spec;
}

/// In the catalogue's order, each once.
std::vector<std::string> servers_of(const std::vector<std::string>& given) {
  std::vector<std::string> wanted;
  for (const std::string& name : given)
    if (name != "all") wanted.push_back(usable_server(name).name);
  const bool all = given.empty() || holds(given, "all");
  std::vector<std::string> names;
  for (const fixtures::ServerSpec& spec : fixtures::catalogue()) {
    const bool here = all && !spec.proxy && fixtures::locate(spec);
    if (here || holds(wanted, spec.name)) names.push_back(spec.name);
  }
  return names;
}

std::vector<Topology> topologies_of(const std::vector<std::string>& given) {
  if (given.empty()) return {Topology::standalone};
  for (const std::string& name : given) {
    if (name != "standalone" && name != "cluster")
      refuse(fmt::format("--topology: there is no \"{}\"; did you mean \"{}\"?", name,
                         nearest(name, {"standalone", "cluster"})));
  }
  std::vector<Topology> topologies;
  if (holds(given, "standalone")) topologies.push_back(Topology::standalone);
  if (holds(given, "cluster")) topologies.push_back(Topology::cluster);
  return topologies;
}

std::vector<std::string> families_of(const std::vector<std::string>& given) {
  for (const std::string& name : given) {
    if (name != "all" && !is_family(name))
      refuse(fmt::format("--families: there is no \"{}\"; did you mean \"{}\"? Known: {}", name,
                         nearest(name, family_names()), fmt::join(family_names(), ", ")));
  }
  const bool all = given.empty() || holds(given, "all");
  std::vector<std::string> names;
  for (const std::string& name : family_names()) {
    // A case of each says more than one of all together.
    if (holds(given, name) || (all && name != "everything")) names.push_back(name);
  }
  return names;
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void set_part(const std::string& shard, Request& request) {
  if (shard.empty()) return;
  const size_t slash = shard.find('/');
  const auto index = number_of(std::string_view(shard).substr(0, slash));
  const auto parts = slash == std::string::npos
                         ? std::nullopt
                         : number_of(std::string_view(shard).substr(slash + 1));
  if (!index || !parts || *index >= *parts || *parts > Request::parts_max)
    refuse(fmt::format("--shard: \"{}\" is not a part: write i/n with i from 0 to n-1, as 0/4",
                       shard));
  request.part = *index + 1;
  request.parts = *parts;
}

}  // namespace

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(item);
  return items;
}

RequestFlags parse_matrix(const std::string& text, const std::string& file) {
  YamlMap map(load_document(text, file, "matrix"), file, "the matrix");
  const auto version = map.number("version", 0, 0, UINT32_MAX);
  if (version != matrix_version)
    map.fail("version", fmt::format("this program reads matrices of version {}", matrix_version));
  RequestFlags flags;
  flags.from = map.texts("from");
  flags.to = map.texts("to");
  flags.topologies = map.texts("topology");
  flags.families = map.texts("families");
  if (map.has("cases")) flags.cases = map.number("cases", 1, 1, cases_max);
  if (map.has("seed")) flags.seed = map.number("seed", 1, 1, seed_max);
  map.finish();
  return flags;
}

RequestFlags read_matrix(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) refuse(path + ": cannot read this matrix file");
  return parse_matrix(text.str(), path);
}

RequestFlags over(RequestFlags flags, const RequestFlags& file) {
  if (flags.from.empty()) flags.from = file.from;
  if (flags.to.empty()) flags.to = file.to;
  if (flags.topologies.empty()) flags.topologies = file.topologies;
  if (flags.families.empty()) flags.families = file.families;
  if (!flags.cases) flags.cases = file.cases;
  if (!flags.seed) flags.seed = file.seed;
  return flags;
}

Request make_request(const RequestFlags& flags) {
  Request request;
  request.from = servers_of(flags.from);
  request.to = servers_of(flags.to);
  request.topologies = topologies_of(flags.topologies);
  request.families = families_of(flags.families);
  request.cases = flags.cases.value_or(1);
  request.seed = flags.seed.value_or(1);
  set_part(flags.shard, request);
  return request;
}

std::string difference_of(const Request& before, const Request& now) {
  const auto joined = [](const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ","));
  };
  const auto topologies = [](const Request& request) {
    std::vector<std::string> names;
    for (const Topology each : request.topologies) names.push_back(topology_name(each));
    return fmt::format("{}", fmt::join(names, ","));
  };
  const auto part = [](const Request& request) {
    return fmt::format("{}/{}", request.part - 1, request.parts);
  };
  std::string text;
  const auto compare = [&](const char* flag, const std::string& was, const std::string& is) {
    if (was != is) text += fmt::format("{}{} was {}", text.empty() ? "" : "; ", flag, was);
  };
  compare("--from", joined(before.from), joined(now.from));
  compare("--to", joined(before.to), joined(now.to));
  compare("--topology", topologies(before), topologies(now));
  compare("--families", joined(before.families), joined(now.families));
  compare("--cases", std::to_string(before.cases), std::to_string(now.cases));
  compare("--seed", std::to_string(before.seed), std::to_string(now.seed));
  compare("--shard", part(before), part(now));
  return text;
}

}  // namespace lockstep::scenarios::certify
