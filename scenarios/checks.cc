#include "scenarios/checks.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "fixtures/capabilities.h"
#include "fixtures/child.h"
#include "fixtures/run_files.h"
#include "scenarios/list_check.h"
#include "scenarios/lockstep_driver.h"
#include "scenarios/losses.h"
#include "scenarios/server_facts.h"
#include "sync/base/units.h"
#include "sync/cluster/discover.h"

namespace lockstep::scenarios {

using nlohmann::json;
using Words = std::vector<std::string>;

namespace {

std::vector<std::string> verify_arguments(const Comparison& comparison,
                                          const std::filesystem::path& report) {
  std::vector<std::string> args{"verify", "--quiet", "--report", report.string()};
  for (const std::string& url : comparison.source->urls()) args.insert(args.end(), {"--from", url});
  for (const std::string& url : comparison.target->urls()) args.insert(args.end(), {"--to", url});
  return args;
}

asio::awaitable<uint64_t> evicted_keys(const fixtures::Deployment* deployment) {
  uint64_t evicted = 0;
  for (const fixtures::Server* server : deployment->primaries()) {
    auto fields = co_await info_of(server->endpoint(), "stats");
    evicted += std::stoull("0" + fields["evicted_keys"]);
  }
  co_return evicted;
}

/// Whether evictions by the target explain every difference: keys that are missing, and values that
/// began anew after they were missing. A report without a difference explains nothing.
bool explained_by_eviction(const std::filesystem::path& report) {
  std::ifstream lines(report / "diff.jsonl");
  uint64_t explained = 0;
  for (std::string line; std::getline(lines, line); ++explained) {
    const json difference = json::parse(line, nullptr, false);
    const std::string name = difference.is_object() ? difference.value("class", "") : "";
    if (name == "extra" || name == "misplaced" || name.empty()) return false;
  }
  return explained > 0;
}

Holds holds_of(const fixtures::Deployment& deployment) {
  const fixtures::DeploymentOptions& options = deployment.options();
  const bool in_container = options.container && !fixtures::locate(options.spec);
  return {fixtures::capabilities_of(options.spec, in_container), deployment.is_cluster()};
}

/// What the target cannot hold is counted, and a pass if that is all that differs.
void accept_losses(const Comparison& comparison, const std::filesystem::path& report,
                   CheckResult& result) {
  LossFindings found = find_losses(report, comparison.directory / "unsupported.jsonl",
                                   holds_of(*comparison.source), holds_of(*comparison.target));
  const json counts = json::parse(fixtures::read_text(report / "report.json"), nullptr, false)
                          .value("counts", json::object());
  const auto unsure =
      counts.value("unverifiable", uint64_t{0}) + counts.value("flapping", uint64_t{0});
  if (found.others == 0 && !found.losses.empty())
    result.verdict = unsure == 0 ? Verdict::pass : Verdict::unknown;
  for (const auto& [what, keys] : found.losses)
    result.detail += fmt::format("; the target cannot hold {} {}", format_count(keys), what);
  result.losses = std::move(found.losses);
}

/// "1,234 keys compared by snapshot; 2 missing; 1 value".
std::string summary_of(const std::filesystem::path& report, const std::string& output) {
  const json root = json::parse(fixtures::read_text(report / "report.json"), nullptr, false);
  if (root.is_discarded()) return output;
  const json counts = root.value("counts", json::object());
  std::string text =
      fmt::format("{} keys compared by {}", format_count(counts.value("compared", uint64_t{0})),
                  root.value("method", "?"));
  const std::string problem = root.value("problem", "");
  if (!problem.empty()) text += "; " + problem;
  for (const char* name : {"misplaced", "missing", "extra", "type", "value", "metadata",
                           "field_expiry", "expiry", "unverifiable", "flapping", "expired"}) {
    const uint64_t count = counts.value(name, uint64_t{0});
    if (count > 0) text += fmt::format("; {} {}", format_count(count), name);
  }
  return text;
}

asio::awaitable<Lists> read_lists(const fixtures::Deployment* deployment) {
  Lists lists;
  for (const fixtures::Server* server : deployment->primaries()) {
    auto client = co_await net::Client::connect(server->endpoint());
    Words keys{"KEYS", "*list:*"};
    const resp::Value names = co_await client->command_or_throw(keys);
    for (const resp::Value& name : names.items) {
      Words range{"LRANGE", name.text, "0", "-1"};
      const resp::Value items = co_await client->command(range);
      if (items.is_error()) continue;  // of another type
      for (const resp::Value& item : items.items) lists[name.text].push_back(item.text);
    }
  }
  co_return lists;
}

}  // namespace

asio::awaitable<CheckResult> check_verifier(asio::any_io_executor executor, Comparison comparison) {
  const std::string& target = comparison.target->options().name;
  const auto report = comparison.directory / ("verify-" + target);
  const auto output = comparison.directory / ("verify-" + target + ".out");
  fixtures::ChildOptions options;
  options.program = own_program();
  options.args = verify_arguments(comparison, report);
  options.output = output;
  fixtures::Child child(executor, options);
  const auto status = co_await child.wait(comparison.limit);
  CheckResult result{"verify " + target};
  if (!status) {
    result.detail = "the verifier did not end in time";
    co_return result;
  }
  result.detail = summary_of(report, fixtures::last_lines(output, 1));
  if (*status == 0) result.verdict = Verdict::pass;
  if (*status != 1) co_return result;
  result.verdict = Verdict::fail;
  if (comparison.spec.unsupported_is_missing) accept_losses(comparison, report, result);
  if (!comparison.spec.evicted_is_missing) co_return result;
  const uint64_t evicted = co_await evicted_keys(comparison.target);
  if (evicted > 0 && explained_by_eviction(report)) {
    result.verdict = Verdict::pass;
    result.detail += fmt::format("; explained by {} keys that the target evicted", evicted);
  }
  co_return result;
}

asio::awaitable<CheckResult> check_unique_lists(Comparison comparison) {
  Lists source = co_await read_lists(comparison.source);
  Lists target = co_await read_lists(comparison.target);
  const Lists after = co_await read_lists(comparison.source);
  drop_unsettled(source, target, after);
  const ListFindings findings = check_lists(source, target);
  CheckResult result{"lists of " + comparison.target->options().name};
  result.verdict = findings.empty() ? Verdict::pass : Verdict::fail;
  result.detail = fmt::format("{} lists; elements lost {}, doubled {}, invented {}; misplaced {}",
                              source.size(), findings.lost.size(), findings.doubled.size(),
                              findings.invented.size(), findings.misplaced.size());
  co_return result;
}

}  // namespace lockstep::scenarios
