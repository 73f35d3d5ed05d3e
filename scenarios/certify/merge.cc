#include "scenarios/certify/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <regex>

#include "scenarios/certify/certificate_files.h"
#include "scenarios/certify/certificate_json.h"

namespace lockstep::scenarios::certify {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw UserError(message, ExitCode::bad_arguments);
}

std::string part_name(const Certificate& certificate) {
  return fmt::format("part {} of {}", certificate.request.part, certificate.request.parts);
}

std::string topologies(const Request& request) {
  std::string text;
  for (const Topology each : request.topologies)
    text += (text.empty() ? "" : ",") + std::string(topology_name(each));
  return text;
}

/// What was asked for, but for the part: the name of each thing, and what it is.
std::vector<std::pair<const char*, std::string>> identity(const Certificate& certificate) {
  const Request& request = certificate.request;
  return {{"version of lockstep", certificate.tool_version},
          {"--from", fmt::format("{}", fmt::join(request.from, ","))},
          {"--to", fmt::format("{}", fmt::join(request.to, ","))},
          {"--topology", topologies(request)},
          {"--families", fmt::format("{}", fmt::join(request.families, ","))},
          {"--cases", std::to_string(request.cases)},
          {"--seed", std::to_string(request.seed)},
          {"number of parts", std::to_string(request.parts)}};
}

void require_one_request(const Certificate& first, const Certificate& other) {
  const auto one = identity(first), two = identity(other);
  for (size_t i = 0; i < one.size(); ++i) {
    if (one[i].second != two[i].second)
      refuse(fmt::format(
          "these are certificates of different requests: the {} is {} in {}, and {} "
          "in {}",
          one[i].first, one[i].second, part_name(first), two[i].second, part_name(other)));
  }
}

std::string build_of(const Server& server) {
  return fmt::format("{} (build {}, RDB {})", server.version, server.build_id, server.rdb_version);
}

/// In the order of the parts; each once.
std::vector<Server> same_servers(const std::vector<Certificate>& parts) {
  std::vector<Server> servers;
  std::map<std::string, std::pair<std::string, const Certificate*>> builds;
  for (const Certificate& part : parts) {
    for (const Server& server : part.servers) {
      const auto [found, is_new] =
          builds.try_emplace(server.name, std::pair(build_of(server), &part));
      const auto& [build, where] = found->second;
      if (is_new) servers.push_back(server);
      if (build != build_of(server))
        refuse(
            fmt::format("{} is {} in {}, and {} in {}: one certificate speaks of one build. Give "
                        "all machines the same servers, such as a copy of one cache",
                        server.name, build, part_name(*where), build_of(server), part_name(part)));
    }
  }
  return servers;
}

std::string joined_words(const std::vector<Certificate>& parts, std::string Certificate::*word) {
  std::vector<std::string> words;
  for (const Certificate& part : parts) {
    if (std::find(words.begin(), words.end(), part.*word) == words.end())
      words.push_back(part.*word);
  }
  return fmt::format("{}", fmt::join(words, "; "));
}

/// As it would have been typed for the whole.
std::string of_whole(const std::string& command) {
  static const std::regex of_part(R"( --(shard|out)[ =][^ ]+)");
  return std::regex_replace(command, of_part, "");
}

Certificate beginning(const std::vector<Certificate>& parts) {
  Certificate whole = parts.front();
  whole.request.part = whole.request.parts = 1;
  whole.command = of_whole(whole.command);
  whole.machine = joined_words(parts, &Certificate::machine);
  whole.servers = same_servers(parts);
  whole.cells.clear();
  for (const Certificate& part : parts) {
    whole.started = std::min(whole.started, part.started);
    whole.ended = std::max(whole.ended, part.ended);
  }
  const auto stopped = [](const Certificate& part) { return part.ended.empty(); };
  if (std::any_of(parts.begin(), parts.end(), stopped)) whole.ended.clear();
  return whole;
}

/// The cells of part `index`; those that have not run are not certified.
std::vector<Cell> cells_of_part(Request request, uint64_t index, const Certificate* part) {
  if (part != nullptr)
    return all_cells(*part,
                     fmt::format("{} was stopped before it: run that part again, which goes on",
                                 part_name(*part)));
  request.part = index;
  Certificate nothing;
  nothing.request = std::move(request);
  return all_cells(nothing, fmt::format("{} is missing", part_name(nothing)));
}

}  // namespace

Certificate merge_certificates(const std::vector<Certificate>& parts) {
  if (parts.empty()) refuse("no certificate was given");
  std::map<uint64_t, const Certificate*> by_part;
  for (const Certificate& part : parts) {
    require_one_request(parts.front(), part);
    if (!by_part.emplace(part.request.part, &part).second)
      refuse(fmt::format("{} is there twice", part_name(part)));
  }
  Certificate whole = beginning(parts);
  const Request& request = parts.front().request;
  for (uint64_t i = 1; i <= request.parts; ++i) {
    const auto found = by_part.find(i);
    const auto cells = cells_of_part(request, i, found == by_part.end() ? nullptr : found->second);
    whole.cells.insert(whole.cells.end(), cells.begin(), cells.end());
  }
  return whole;
}

Certificate merge_certificate_files(const std::vector<std::filesystem::path>& paths,
                                    const std::filesystem::path& directory) {
  std::vector<Certificate> parts;
  for (const auto& path : paths) {
    std::error_code ignored;
    if (std::filesystem::equivalent(std::filesystem::is_directory(path) ? path : path.parent_path(),
                                    directory, ignored))
      refuse(
          fmt::format("{}: the joined certificate would overwrite this part; give another "
                      "directory to write into",
                      directory.string()));
    parts.push_back(read_certificate(path));
    if (paths.size() > 1 && parts.back().request.parts == 1)
      refuse(fmt::format("{}: this is a whole certificate and no part of one", path.string()));
  }
  Certificate whole = merge_certificates(parts);
  write_files(whole, directory);
  return whole;
}

}  // namespace lockstep::scenarios::certify
