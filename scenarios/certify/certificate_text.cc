#include "scenarios/certify/certificate_text.h"

#include <fmt/format.h>

#include "scenarios/certify/grid.h"
#include "scenarios/certify/summary.h"
#include "sync/base/units.h"

namespace lockstep::scenarios::certify {

namespace {

constexpr size_t findings_shown = 3;

std::string heading(const char* text, bool colour) {
  return colour ? fmt::format("\n\033[1m{}\033[0m\n", text) : fmt::format("\n{}\n", text);
}

std::string group_lines(const Group& group) {
  std::string text = fmt::format("  {}{}\n", group.what, seen_text(group));
  for (const std::string& pair : group.pairs) text += fmt::format("      {}\n", pair);
  return text;
}

std::string section(const char* title, const std::vector<Group>& groups, bool colour) {
  if (groups.empty()) return "";
  std::string text = heading(title, colour);
  for (const Group& group : groups) text += group_lines(group);
  return text;
}

std::string finding_lines(const Finding& finding) {
  std::string text =
      fmt::format("      {} seed {}: {}\n", finding.family, finding.seed, finding.reason);
  if (!finding.control.empty())
    text += fmt::format("        the servers' own replication: {}\n", finding.control);
  if (!finding.reproduction.empty())
    text += fmt::format("        repeat it: {}\n", finding.reproduction);
  return text;
}

std::string findings(const Certificate& certificate, bool colour) {
  std::string text;
  for (const Cell* cell : done_cells(certificate)) {
    if (cell->findings.empty()) continue;
    text += fmt::format("  {}: {}, {} of {} cases did not pass\n", cell_name(certificate, *cell),
                        outcome_words(cell->outcome), format_count(cell->cases - cell->passed),
                        format_count(cell->cases));
    for (size_t i = 0; i < cell->findings.size() && i < findings_shown; ++i)
      text += finding_lines(cell->findings[i]);
    if (cell->findings.size() > findings_shown)
      text += fmt::format("      and {} more, in certificate.md\n",
                          cell->findings.size() - findings_shown);
  }
  return text.empty() ? "" : heading("Findings", colour) + text;
}

}  // namespace

std::string certificate_text(const Certificate& certificate, bool colour) {
  std::string text;
  for (const Topology topology : certificate.request.topologies) {
    if (certificate.request.topologies.size() > 1) text += heading(topology_name(topology), colour);
    text += grid_text(certificate, topology, colour);
  }
  text += section("Lost, and nothing else", losses_of(certificate), colour);
  text += findings(certificate, colour);
  text += section("Not certified", reasons_of(certificate, Outcome::not_certified), colour);
  text += section("Unsupported", reasons_of(certificate, Outcome::unsupported), colour);
  return text + "\n" + legend_text(certificate, colour) + "\n" + totals_text(certificate) + "\n";
}

}  // namespace lockstep::scenarios::certify
