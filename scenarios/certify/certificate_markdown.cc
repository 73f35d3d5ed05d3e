#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scenarios/certify/certificate_text.h"
#include "scenarios/certify/grid.h"
#include "scenarios/certify/summary.h"
#include "sync/base/bytes.h"
#include "sync/base/units.h"

namespace lockstep::scenarios::certify {

namespace {

/// As text in a paragraph or in a table's cell, on one line.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += ' ';
      continue;
    }
    if (Bytes("\\`*_<>|[]#").find(c) != Bytes::npos) out += '\\';
    out += c;
  }
  return out;
}

/// As code in a line, whatever it holds.
std::string code(const std::string& text) {
  const bool ticks = text.find('`') != std::string::npos;
  return ticks ? "`` " + text + " ``" : "`" + text + "`";
}

std::string head(const Certificate& certificate) {
  std::string text = "# What syncs into what\n\n";
  text += fmt::format("{}\n\n", code(certificate.command));
  text += fmt::format("- lockstep {}, on {}\n", plain(certificate.tool_version),
                      plain(certificate.machine));
  text += fmt::format("- {}\n", certificate.ended.empty()
                                    ? "begun " + certificate.started + ", not finished"
                                    : certificate.started + " to " + certificate.ended);
  const Request& request = certificate.request;
  text += fmt::format("- {} case{} of each family in each cell, seed {}: {}\n", request.cases,
                      request.cases == 1 ? "" : "s", request.seed,
                      plain(fmt::format("{}", fmt::join(request.families, ", "))));
  if (request.parts > 1)
    text += fmt::format("- part {} of {}: `lockstep report merge` joins them\n", request.part,
                        request.parts);
  return text;
}

std::string grids(const Certificate& certificate) {
  std::string text;
  for (const Topology topology : certificate.request.topologies) {
    text += fmt::format("\n## {}\n\n```text\n{}```\n",
                        topology == Topology::cluster ? "Clusters" : "Standalone",
                        grid_text(certificate, topology, false));
  }
  return text +
         fmt::format("\n{}\n\n{}\n", legend_text(certificate, false), totals_text(certificate));
}

std::string section(const char* title, const std::vector<Group>& groups) {
  if (groups.empty()) return "";
  std::string text = fmt::format("\n## {}\n\n", title);
  for (const Group& group : groups) {
    text += fmt::format("- **{}**{}\n", plain(group.what), seen_text(group));
    for (const std::string& pair : group.pairs) text += fmt::format("  - {}\n", plain(pair));
  }
  return text;
}

std::string finding_text(const Finding& finding) {
  std::string text = fmt::format("- {}, seed {}: {}\n", plain(finding.family), finding.seed,
                                 plain(finding.reason));
  if (!finding.control.empty())
    text += fmt::format("  - the servers' own replication: {}\n", plain(finding.control));
  if (!finding.reproduction.empty())
    text += fmt::format("  - repeat it: {}\n", code(finding.reproduction));
  return text;
}

std::string findings(const Certificate& certificate) {
  std::string text;
  for (const Cell* cell : done_cells(certificate)) {
    if (cell->findings.empty()) continue;
    text += fmt::format("\n### {}: {}\n\n{} of {} cases passed\n\n",
                        plain(cell_name(certificate, *cell)), outcome_words(cell->outcome),
                        cell->passed, cell->cases);
    for (const Finding& finding : cell->findings) text += finding_text(finding);
  }
  return text.empty() ? "" : "\n## Findings\n" + text;
}

/// Cells that did not come to their end at once.
std::string earlier(const Certificate& certificate) {
  std::string text;
  for (const Cell* cell : done_cells(certificate)) {
    if (cell->earlier.empty()) continue;
    text += fmt::format("\n### {}: {}\n\nattempts: {}; cases run once more: {}\n\n",
                        plain(cell_name(certificate, *cell)), outcome_words(cell->outcome),
                        cell->attempts, cell->retried);
    for (const Finding& finding : cell->earlier) text += finding_text(finding);
  }
  return text.empty() ? "" : "\n## Tried more than once\n" + text;
}

std::string goals(const Certificate& certificate) {
  const auto sums = goals_of(certificate);
  if (sums.empty()) return "";
  std::string text =
      "\n## Coverage goals\n\n| goal | cells that met it | of cells where it can be | times |\n"
      "|---|---:|---:|---:|\n";
  for (const GoalSum& sum : sums) {
    if (sum.possible == 0) continue;
    text += fmt::format("| {} | {} | {} | {} |\n", plain(sum.name), sum.met, sum.possible,
                        format_count(sum.times));
  }
  return text;
}

std::string servers(const Certificate& certificate) {
  if (certificate.servers.empty()) return "";
  std::string text =
      "\n## Servers\n\n| server | version | build id | RDB version |\n|---|---|---|---:|\n";
  for (const Server& server : certificate.servers)
    text += fmt::format("| {} | {} | {} | {} |\n", plain(server.name), plain(server.version),
                        plain(server.build_id), server.rdb_version);
  return text;
}

}  // namespace

std::string certificate_markdown(const Certificate& certificate) {
  return head(certificate) + grids(certificate) +
         section("What is lost, and nothing else", losses_of(certificate)) + findings(certificate) +
         earlier(certificate) +
         section("Not certified", reasons_of(certificate, Outcome::not_certified)) +
         section("Unsupported", reasons_of(certificate, Outcome::unsupported)) +
         section("Not tried", untried_of(certificate)) + goals(certificate) + servers(certificate);
}

}  // namespace lockstep::scenarios::certify
