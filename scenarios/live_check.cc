#include "scenarios/live_check.h"

#include <fmt/format.h>

#include "fixtures/child.h"
#include "scenarios/lockstep_driver.h"

namespace lockstep::scenarios {

namespace {

std::vector<std::string> arguments(const Comparison& comparison,
                                   const std::filesystem::path& report, const LiveTool& tool,
                                   bool at_position) {
  std::vector<std::string> args{"verify",   "--quiet", "--report",       report.string(),
                                "--settle", "20s",     "--expiry-grace", tool.grace};
  if (at_position) args.insert(args.end(), {"--cut", "position", "--engine", tool.control});
  for (const std::string& url : comparison.source->urls()) args.insert(args.end(), {"--from", url});
  for (const std::string& url : comparison.target->urls()) args.insert(args.end(), {"--to", url});
  return args;
}

}  // namespace

asio::awaitable<CheckResult> check_live(asio::any_io_executor executor, Comparison comparison,
                                        const bool& writing, LiveTool tool) {
  const std::string name = comparison.target->options().name;
  const auto report = comparison.directory / ("verify-live-" + name);
  CheckResult result{"verify " + name + " under load"};
  fixtures::ChildOptions options;
  options.program = own_program();
  options.output = comparison.directory / ("verify-live-" + name + ".out");
  unsigned equal = 0, untold = 0, exact = 0;
  bool at_position = false;
  do {
    at_position = !at_position && !tool.control.empty();
    options.args = arguments(comparison, report, tool, at_position);
    fixtures::Child child(executor, options);
    const auto status = co_await child.wait(comparison.limit);
    if (status == 1 || !status || *status > 2) {
      result.verdict = status == 1 ? Verdict::fail : Verdict::unknown;
      result.detail = fmt::format("run {}: {}; see {}", equal + untold + 1,
                                  status == 1 ? "a false alarm" : "it did not end as it should",
                                  report.string());
      co_return result;
    }
    ++(*status == 0 ? equal : untold);
    exact += *status == 0 && at_position ? 1 : 0;
  } while (writing);
  const bool told = equal > 0 && (exact > 0 || tool.control.empty());
  result.verdict = told ? Verdict::pass : Verdict::unknown;
  result.detail = fmt::format(
      "{} runs told equal ({} of them at a position), {} could not tell, none reported a "
      "difference",
      equal, exact, untold);
  co_return result;
}

}  // namespace lockstep::scenarios
