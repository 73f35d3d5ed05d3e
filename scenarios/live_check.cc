#include "scenarios/live_check.h"

#include <fmt/format.h>

#include "fixtures/child.h"
#include "scenarios/lockstep_driver.h"

namespace lockstep::scenarios {

namespace {

std::vector<std::string> arguments(const Comparison& comparison,
                                   const std::filesystem::path& report, const std::string& grace) {
  std::vector<std::string> args{"verify",   "--quiet", "--report",       report.string(),
                                "--settle", "20s",     "--expiry-grace", grace};
  for (const std::string& url : comparison.source->urls()) args.insert(args.end(), {"--from", url});
  for (const std::string& url : comparison.target->urls()) args.insert(args.end(), {"--to", url});
  return args;
}

}  // namespace

asio::awaitable<CheckResult> check_live(asio::any_io_executor executor, Comparison comparison,
                                        const bool& writing, std::string grace) {
  const std::string name = comparison.target->options().name;
  const auto report = comparison.directory / ("verify-live-" + name);
  CheckResult result{"verify " + name + " under load"};
  fixtures::ChildOptions options;
  options.program = own_program();
  options.args = arguments(comparison, report, grace);
  options.output = comparison.directory / ("verify-live-" + name + ".out");
  unsigned equal = 0, untold = 0;
  do {
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
  } while (writing);
  result.verdict = equal > 0 ? Verdict::pass : Verdict::unknown;
  result.detail = fmt::format("{} runs told equal, {} could not tell, none reported a difference",
                              equal, untold);
  co_return result;
}

}  // namespace lockstep::scenarios
