#include "scenarios/html_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "fixtures/catalogue.h"
#include "fixtures/run_files.h"
#include "sync/base/units.h"

namespace lockstep::scenarios {

using nlohmann::json;

namespace {

constexpr const char* style = R"(
  body { font: 15px/1.5 system-ui, sans-serif; color: #1c2330; background: #f5f6f8; margin: 0; }
  main { max-width: 62rem; margin: 2rem auto; padding: 0 1.5rem; }
  h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
  .card { background: #fff; border: 1px solid #dde1e8; border-radius: 8px; padding: 1rem 1.25rem; }
  .verdict { display: inline-block; padding: .15rem .8rem; border-radius: 1rem; color: #fff; font-weight: 600; }
  .pass { background: #17803d; } .fail { background: #b91c1c; } .unknown { background: #92600a; } .skipped { background: #57606a; }
  table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .7rem .3rem 0;
    border-bottom: 1px solid #eceff3; vertical-align: top; } th { color: #5a6473; font-weight: 500; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; }
  code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; margin: 0; white-space: pre-wrap; }
  .bar { background: #3563c9; height: .7rem; border-radius: 2px; min-width: 2px; }
  .muted { color: #5a6473; }
)";

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string badge(Verdict verdict) {
  return fmt::format("<span class=\"verdict {0}\">{0}</span>", to_string(verdict));
}

std::string topology_table(const Scenario& scenario) {
  std::string rows;
  for (const DeploymentSpec& spec : scenario.deployments) {
    rows +=
        fmt::format("<tr><td>{}</td><td>{}</td><td>{} × (1 + {})</td><td>{}</td></tr>",
                    escape(spec.name), to_string(spec.topology), spec.primaries, spec.replicas,
                    escape(spec.server.empty() ? fixtures::default_server().name : spec.server));
  }
  std::string syncs;
  for (const SyncSpec& sync : scenario.syncs)
    syncs +=
        fmt::format("<p>{} → {} <span class=\"muted\">by {}</span></p>", escape(sync.from),
                    escape(fmt::format("{}", fmt::join(sync.to, ", "))), to_string(sync.driver));
  return "<table><tr><th>deployment</th><th>topology</th><th>primaries × (1 + replicas)</th>"
         "<th>server</th></tr>" +
         rows + "</table>" + syncs;
}

std::string check_table(const CaseResult& result) {
  std::string rows;
  for (const CheckResult& check : result.checks)
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>", badge(check.verdict),
                        escape(check.name), escape(check.detail));
  return rows.empty() ? "<p>No check was reached.</p>" : "<table>" + rows + "</table>";
}

std::string phase_table(const CaseResult& result) {
  int64_t longest = 1;
  for (const Phase& phase : result.phases) longest = std::max(longest, phase.duration.count());
  std::string rows;
  for (const Phase& phase : result.phases)
    rows += fmt::format(
        "<tr><td>{}</td><td class=\"number\">{}</td><td style=\"width:45%\"><div class=\"bar\" "
        "style=\"width:{}%\"></div></td></tr>",
        escape(phase.name), format_duration(phase.duration),
        phase.duration.count() * 100 / longest);
  return "<table>" + rows + "</table>";
}

std::string error_words(const ExecutionStats& stats) {
  std::string words;
  for (const auto& [word, count] : stats.errors)
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", escape(word), format_count(count));
  return words.empty() ? "none" : words;
}

std::string workload_table(const Scenario& scenario, const CaseResult& result) {
  const auto row = [](const char* name, const ExecutionStats& stats) {
    return fmt::format(
        "<tr><td>{}</td><td class=\"number\">{}</td><td>{}</td><td class=\"number\">{} "
        "ms</td></tr>",
        name, format_count(stats.commands), error_words(stats), stats.latest.count());
  };
  return fmt::format("<p>Families: {}. Keys loaded before: {}.</p>",
                     escape(fmt::format("{}", fmt::join(scenario.workload.families, ", "))),
                     format_count(result.keys_loaded)) +
         "<table><tr><th></th><th>commands</th><th>error replies (collisions of type are "
         "meant)</th>"
         "<th>latest</th></tr>" +
         row("before the sync", result.before) + row("while it ran", result.during) + "</table>";
}

std::string engine_table(const CaseResult& result) {
  std::string rows;
  for (const std::string& text : result.engine_status) {
    const json status = json::parse(text, nullptr, false);
    if (status.is_discarded() || !status.contains("links")) continue;
    for (const json& link : status["links"]) {
      rows += "<tr>";
      for (const char* name : {"source", "target"})
        rows += fmt::format("<td>{}</td>", escape(link.value(name, "")));
      for (const char* name : {"keys_loaded", "commands", "transactions", "splits", "fences"})
        rows += fmt::format("<td class=\"number\">{}</td>",
                            format_count(link.value(name, uint64_t{0})));
      rows += "</tr>";
    }
  }
  if (rows.empty()) return "<p>The tool does not say.</p>";
  return "<table><tr><th>source</th><th>target</th><th>keys copied</th><th>commands</th>"
         "<th>transactions</th><th>split by slot</th><th>read again</th></tr>" +
         rows + "</table>";
}

/// The first differences of each verification.
std::string differences(const CaseResult& result) {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(result.directory)) {
    std::ifstream lines(entry.path() / "diff.jsonl");
    unsigned count = 0;
    for (std::string line; count < 20 && std::getline(lines, line); ++count)
      text += escape(line) + "\n";
  }
  return text.empty()
             ? ""
             : "<h2>First differences</h2><div class=\"card\"><pre>" + text + "</pre></div>";
}

std::string section(const char* title, const std::string& body) {
  return fmt::format("<h2>{}</h2><div class=\"card\">{}</div>", title, body);
}

}  // namespace

void write_report(const Scenario& scenario, const CaseResult& result) {
  std::string page = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}: {1}</title>"
      "<style>{2}</style><main><h1>{0} {3}</h1><p class=\"muted\">{4}</p><p>Seed <code>{5}</code>. "
      "The same input again: <code>lockstep run {6}/scenario.yaml --seed {5}</code></p>",
      escape(scenario.name), to_string(result.verdict), style, badge(result.verdict),
      escape(scenario.description), result.seed, escape(result.directory.string()));
  if (!result.reason.empty())
    page += "<div class=\"card\"><pre>" + escape(result.reason) + "</pre></div>";
  page += section("Checks", check_table(result)) + differences(result) +
          section("Servers", topology_table(scenario)) +
          section("Workload", workload_table(scenario, result)) +
          section("What the sync did", engine_table(result)) +
          section("Phases", phase_table(result)) +
          section("Scenario", "<pre>" + escape(to_yaml(scenario)) + "</pre>") + "</main></html>\n";
  fixtures::write_text(result.directory / "report.html", page);
}

}  // namespace lockstep::scenarios
