#include "scenarios/certify/cell_outcome.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "scenarios/certify/goals.h"
#include "scenarios/losses.h"

namespace lockstep::scenarios::certify {

bool environment_failed(const CaseResult& result) {
  return result.verdict == Verdict::unknown && !result.tool_began;
}

std::string crash_of(const CaseResult& result) {
  for (const FallenServer& each : result.fallen)
    if (!each.crash.empty()) return each.server + ": " + each.crash;
  return "";
}

void doubt(CaseResult& result) {
  const uint64_t lost = result.before.connections_lost + result.during.connections_lost;
  if (lost == 0 || result.verdict != Verdict::pass) return;
  result.verdict = Verdict::unknown;
  result.reason = fmt::format("the clients lost {} connections to the source", lost);
}

namespace {

void add_loss(const std::string& what, uint64_t keys, Cell& cell) {
  const auto found = std::find_if(cell.losses.begin(), cell.losses.end(),
                                  [&](const Loss& loss) { return loss.what == what; });
  if (found == cell.losses.end()) {
    cell.losses.push_back({what, keys});
  } else {
    found->keys += keys;
  }
}

}  // namespace

void note_losses(const CaseResult& result, Cell& cell) {
  for (const CheckResult& check : result.checks)
    for (const auto& [what, keys] : check.losses) add_loss(what, keys, cell);
  const auto happened = [&](const char* event) {
    const auto found = result.coverage.find(event);
    return found != result.coverage.end() && found->second > 0;
  };
  for (const LossKind& kind : loss_kinds()) {
    if (happened(kind.event)) add_loss(kind.words, 0, cell);
  }
  if (cell.losses.empty() && happened("left_out"))
    add_loss("what the target refused to hold", 0, cell);
}

namespace {

/// Of a cell of which no family can be tried.
std::string why_nothing(const Cell& cell) {
  std::vector<std::string> reasons;
  for (const std::string& family : cell.skipped_families) {
    for (const Untried& untried : cell.untried)
      if (untried.what == family) reasons.push_back(family + " (" + untried.reason + ")");
  }
  return fmt::format("none of its families can be tried: {}", fmt::join(reasons, "; "));
}

/// "valkey-9.9 crashed by itself", with the cause: how often it did.
std::map<std::pair<std::string, std::string>, size_t> crashes_of(const Cell& cell) {
  std::map<std::pair<std::string, std::string>, size_t> crashes;
  for (const Finding& finding : cell.findings) {
    if (finding.crashed.empty()) continue;
    const size_t colon = finding.crashed.find(": ");
    const std::string what = fmt::format("{} crashed{}", finding.crashed.substr(0, colon),
                                         finding.crashes_alone ? " by itself" : "");
    ++crashes[{what, finding.crashed.substr(colon + 2)}];
  }
  return crashes;
}

/// Of a cell with findings, none of which is a fail.
std::string why_incomplete(const Cell& cell) {
  std::vector<std::string> words;
  for (const auto& [crash, times] : crashes_of(cell))
    words.push_back(fmt::format("{} in {} ({})", crash.first, times, crash.second));
  return fmt::format("{} of {} cases could not be completed{}{}", cell.findings.size(), cell.cases,
                     words.empty() ? "" : ": ", fmt::join(words, ", "));
}

}  // namespace

void decide(Cell& cell, const std::string& failure) {
  const auto& findings = cell.findings;
  const auto failed = [](const Finding& finding) { return finding.verdict == "fail"; };
  const auto environment = [](const Finding& finding) { return finding.environment; };
  const bool ours_alone = std::all_of(findings.begin(), findings.end(), environment);
  const std::string missed = goals_missed(cell.goals);
  cell.outcome = Outcome::not_certified;
  cell.try_again = false;
  if (std::any_of(findings.begin(), findings.end(), failed)) {
    cell.outcome = Outcome::failed;
  } else if (!failure.empty()) {
    cell.reason = failure;
    cell.try_again = ours_alone;
  } else if (!findings.empty()) {
    cell.reason = why_incomplete(cell);
    cell.try_again = ours_alone;
  } else if (cell.families.empty() && !cell.skipped_families.empty()) {
    cell.outcome = Outcome::unsupported;
    cell.reason = why_nothing(cell);
  } else if (cell.passed == 0 || cell.passed != cell.cases) {
    cell.reason = "no case was run";
  } else if (!missed.empty()) {
    cell.reason = "never happened: " + missed;
  } else {
    cell.outcome = cell.losses.empty() ? Outcome::certified : Outcome::certified_with_losses;
  }
}

bool is_tried_again(const Cell& before, bool all) {
  return before.outcome == Outcome::not_certified && (all || before.try_again);
}

void carry_over(const Cell& before, Cell& cell) {
  cell.attempts = before.attempts;
  cell.retried = before.retried;
  cell.earlier = before.earlier;
  cell.earlier.insert(cell.earlier.end(), before.findings.begin(), before.findings.end());
  if (before.findings.empty() && !before.reason.empty())
    cell.earlier.push_back({.seed = before.seed,
                            .verdict = to_string(Verdict::unknown),
                            .reason = before.reason,
                            .environment = before.try_again});
}

}  // namespace lockstep::scenarios::certify
