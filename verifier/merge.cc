#include "verifier/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "verifier/evictions.h"
#include "verifier/report_files.h"
#include "verifier/report_json.h"
#include "verifier/report_read.h"

namespace lockstep::verifier {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw UserError(message, ExitCode::bad_arguments);
}

/// What must be the same of all parts.
std::string identity(const VerifyReport& report) {
  const ScopeOptions& scope = report.scope;
  return fmt::format("from {} to {} tolerance {} grace {} db {} match {} type {} sample {} keys {}",
                     fmt::join(report.source.urls, ","), fmt::join(report.target.urls, ","),
                     report.expiry_tolerance.count(), report.expiry_grace.count(),
                     fmt::join(scope.db, ","), printable(scope.match), scope.type, scope.sample,
                     scope.keys);
}

void require_one_check(const std::vector<VerifyReport>& parts) {
  for (const VerifyReport& part : parts) {
    if (identity(part) != identity(parts.front())) {
      refuse(fmt::format("these are reports of different checks: {}; {}", identity(parts.front()),
                         identity(part)));
    }
    const bool by_part = !part.scope.part.empty(), by_slots = !part.scope.slots.empty();
    if (by_part == by_slots)
      refuse("each report must be of a part of a check: either --part or --slots, not both");
    if (by_part != !parts.front().scope.part.empty())
      refuse("some reports are of a --part, others of --slots: they do not fit together");
  }
}

/// Empty if each part is there once.
std::string missing_parts(const std::vector<VerifyReport>& reports) {
  std::map<uint32_t, int> met;
  const uint32_t count = Scope(reports.front().scope).part().count;
  for (const VerifyReport& report : reports) {
    const Part part = Scope(report.scope).part();
    if (part.count != count)
      refuse(fmt::format("there are parts of {} and parts of {}", count, part.count));
    ++met[part.index];
  }
  std::vector<std::string> problems;
  for (uint32_t i = 1; i <= count; ++i) {
    if (!met.contains(i)) problems.push_back(fmt::format("part {}/{} is missing", i, count));
  }
  for (const auto& [index, times] : met) {
    if (times > 1)
      problems.push_back(fmt::format("part {}/{} is there {} times", index, count, times));
  }
  return fmt::format("{}", fmt::join(problems, ", "));
}

std::string ranges(const SlotSet& slots) {
  std::string text;
  for (size_t first = 0; first < slot_count; ++first) {
    if (!slots.test(first)) continue;
    size_t last = first;
    while (last + 1 < slot_count && slots.test(last + 1)) ++last;
    text += fmt::format("{}{}-{}", text.empty() ? "" : ",", first, last);
    first = last;
  }
  return text;
}

std::string missing_slots(const std::vector<VerifyReport>& reports) {
  SlotSet seen, twice;
  for (const VerifyReport& report : reports) {
    const SlotSet slots = *Scope(report.scope).slots();
    twice |= seen & slots;
    seen |= slots;
  }
  std::vector<std::string> problems;
  if (!seen.all()) problems.push_back("the slots " + ranges(~seen) + " are missing");
  if (twice.any()) problems.push_back("the slots " + ranges(twice) + " are there twice");
  return fmt::format("{}", fmt::join(problems, ", "));
}

void add_side(SideReport& sum, const SideReport& part) {
  for (const std::string& node : part.nodes) {
    if (std::find(sum.nodes.begin(), sum.nodes.end(), node) == sum.nodes.end())
      sum.nodes.push_back(node);
  }
  sum.keys += part.keys;
  sum.bytes += part.bytes;
  sum.own_keys += part.own_keys;  // each is in one part
  sum.functions = std::max(sum.functions, part.functions);
  add_evictions(sum.evictions, part.evictions);
  sum.positions.insert(sum.positions.end(), part.positions.begin(), part.positions.end());
}

template <class List>
void append(List& list, const List& more, size_t max) {
  const size_t count = std::min(more.size(), max - std::min(max, list.size()));
  list.insert(list.end(), more.begin(), more.begin() + static_cast<ptrdiff_t>(count));
}

void add_word(std::string& words, const std::string& word) {
  if (words.find(word) == std::string::npos) words += (words.empty() ? "" : ", ") + word;
}

void add_counts(VerifyReport& sum, const VerifyReport& part) {
  sum.population += part.population;
  sum.compared += part.compared;
  sum.candidates += part.candidates;
  sum.settled += part.settled;
  sum.expired += part.expired;
  sum.flapping += part.flapping;
  sum.unverifiable_count += part.unverifiable_count;
  for (size_t i = 0; i < diff_class_count; ++i) sum.counts[i] += part.counts[i];
  const auto unsupported = static_cast<size_t>(Explained::unsupported);
  sum.explained[unsupported] += part.explained[unsupported];
  if (part.libraries_compared) sum.libraries_compared = part.libraries_compared;
}

void add_engine(VerifyReport& sum, const VerifyReport& part) {
  if (!part.engine) return;
  if (!sum.engine) {
    sum.engine = part.engine;
    return;
  }
  EngineReport& engine = *sum.engine;
  engine.holds += part.engine->holds;
  engine.hold_longest = std::max(engine.hold_longest, part.engine->hold_longest);
  engine.hold_total += part.engine->hold_total;
  engine.hold_max = std::max(engine.hold_max, part.engine->hold_max);
  engine.cuts_failed += part.engine->cuts_failed;
  engine.ahead += part.engine->ahead;
}

void add(VerifyReport& sum, const VerifyReport& part, size_t max_differences) {
  add_engine(sum, part);
  add_counts(sum, part);
  add_side(sum.source, part.source);
  add_side(sum.target, part.target);
  append(sum.unverifiable, part.unverifiable, max_differences);
  append(sum.flapping_keys, part.flapping_keys, max_differences);
  add_word(sum.method, part.method);
  add_word(sum.cut, part.cut);
  for (const std::string& note : part.notes) {
    if (std::find(sum.notes.begin(), sum.notes.end(), note) == sum.notes.end())
      sum.notes.push_back(note);
  }
  sum.started_ms = std::min(sum.started_ms, part.started_ms);
  sum.pass_time = std::max(sum.pass_time, part.pass_time);
  sum.settle_time = std::max(sum.settle_time, part.settle_time);
  sum.duration = std::max(sum.duration, part.duration);
  sum.table_bytes_max = std::max(sum.table_bytes_max, part.table_bytes_max);
  sum.spilled_bytes = std::max(sum.spilled_bytes, part.spilled_bytes);
}

/// How many of the part's keys that a node's evictions explain are not listed.
std::vector<NodeEvictions> unlisted_evictions(const VerifyReport& part) {
  std::vector<NodeEvictions> result = part.target.evictions;
  for (const Difference& difference : part.differences) {
    for (NodeEvictions& each : result) {
      if (difference.evicted_by == std::vector{each.node} && each.explained > 0) --each.explained;
    }
  }
  return result;
}

/// What explains a key of one part explains none of another, since each of them counts all that a
/// node has evicted. The listed differences are the first of a part.
void explain_by_evictions(VerifyReport& sum, const VerifyReport& part, size_t max_differences) {
  for (Difference difference : part.differences) {
    count_eviction(difference, sum.target.evictions);
    if (sum.differences.size() < max_differences) sum.differences.push_back(std::move(difference));
  }
  for (const NodeEvictions& more : unlisted_evictions(part)) {
    for (NodeEvictions& each : sum.target.evictions) {
      if (each.node == more.node)
        each.explained = std::min(each.evicted, each.explained + more.explained);
    }
  }
}

/// Once all parts have been added: their evictions are known.
void add_differences(VerifyReport& sum, const std::vector<VerifyReport>& parts,
                     size_t max_differences) {
  for (const VerifyReport& part : parts) explain_by_evictions(sum, part, max_differences);
  uint64_t& evicted = sum.explained[static_cast<size_t>(Explained::evicted)];
  for (const NodeEvictions& each : sum.target.evictions) evicted += each.explained;
}

std::string part_name(const VerifyReport& part) {
  return part.scope.part.empty() ? "slots " + part.scope.slots : "part " + part.scope.part;
}

VerifyReport beginning(const VerifyReport& first) {
  VerifyReport sum;
  sum.source.urls = first.source.urls;
  sum.target.urls = first.target.urls;
  sum.source.version = first.source.version;
  sum.target.version = first.target.version;
  sum.expiry_tolerance = first.expiry_tolerance;
  sum.expiry_grace = first.expiry_grace;
  sum.scope = first.scope;
  sum.scope.part.clear();
  sum.scope.slots.clear();
  sum.scopes = Scope(sum.scope).describe();
  sum.started_ms = first.started_ms;
  return sum;
}

/// Whoever lacks a part cannot say *equal*; a difference is one, whatever is missing.
void conclude(VerifyReport& sum, const std::vector<VerifyReport>& parts) {
  std::vector<std::string> problems;
  const std::string missing =
      parts.front().scope.part.empty() ? missing_slots(parts) : missing_parts(parts);
  if (!missing.empty()) problems.push_back(missing);
  for (const VerifyReport& part : parts) {
    if (part.verdict == Verdict::unknown)
      problems.push_back(fmt::format("{}: {}", part_name(part), part.problem));
  }
  sum.problem = fmt::format("{}", fmt::join(problems, "; "));
  sum.verdict = sum.difference_count() > 0 ? Verdict::different
                : problems.empty()         ? Verdict::equal
                                           : Verdict::unknown;
  if (!sum.scope.sample.empty())
    sum.differing_at_most = differing_at_most(sum.population, sum.compared, sum.difference_count());
}

/// The line as it is, or without an explanation by evictions that explain others.
std::string explained_anew(std::string line, std::vector<NodeEvictions>& evictions) {
  if (line.find("\"evicted_by\"") == std::string::npos) return line;
  auto json = nlohmann::ordered_json::parse(line);
  if (json.at("status") != "different" || !json.contains("evicted_by")) return line;
  Difference difference = parse_diff_line(json).difference;
  count_eviction(difference, evictions);
  if (difference.explained != Explained::no) return line;
  json.erase("explained");
  json.erase("evicted_by");
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void join_lines(const std::vector<std::filesystem::path>& paths,
                const std::filesystem::path& directory, std::vector<NodeEvictions> evictions) {
  for (NodeEvictions& each : evictions) each.explained = 0;
  std::ofstream out(directory / "diff.jsonl", std::ios::binary | std::ios::trunc);
  for (const auto& path : paths) {
    const auto lines =
        (std::filesystem::is_directory(path) ? path : path.parent_path()) / "diff.jsonl";
    std::ifstream in(lines, std::ios::binary);
    if (!in) refuse(fmt::format("{}: there is no such file beside the report", lines.string()));
    for (std::string line; std::getline(in, line);)
      out << explained_anew(std::move(line), evictions) << '\n';
  }
  out.close();
  if (!out)
    throw UserError(fmt::format("{}: cannot be written", (directory / "diff.jsonl").string()));
}

}  // namespace

VerifyReport merge_reports(const std::vector<VerifyReport>& parts, size_t max_differences) {
  if (parts.empty()) refuse("no report was given");
  require_one_check(parts);
  VerifyReport sum = beginning(parts.front());
  for (const VerifyReport& part : parts) add(sum, part, max_differences);
  add_differences(sum, parts, max_differences);
  conclude(sum, parts);
  return sum;
}

VerifyReport merge_files(const std::vector<std::filesystem::path>& paths,
                         const std::filesystem::path& directory, size_t max_differences) {
  std::vector<VerifyReport> parts;
  for (const auto& path : paths) {
    const bool own =
        std::filesystem::is_directory(path) ? std::filesystem::equivalent(path, directory) : false;
    if (own) refuse("--report must be another directory than those of the parts");
    parts.push_back(read_report(path));
  }
  VerifyReport sum = merge_reports(parts, max_differences);
  std::filesystem::create_directories(directory);
  join_lines(paths, directory, sum.target.evictions);
  write_report(sum, directory);
  return sum;
}

}  // namespace lockstep::verifier
