#include "verifier/report_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "verifier/merge.h"
#include "verifier/report_text.h"

namespace lockstep::verifier {

namespace {

struct MergeFlags {
  std::vector<std::string> reports;
  std::string directory;
  size_t max_differences = 20;
};

int run_merge(const MergeFlags& flags) {
  const std::vector<std::filesystem::path> paths(flags.reports.begin(), flags.reports.end());
  const VerifyReport report = merge_files(paths, flags.directory, flags.max_differences);
  fmt::print("{}", report_text(report, flags.directory));
  return static_cast<int>(report.exit_code());
}

}  // namespace

void add_report_command(CLI::App& app, std::function<int()>& action) {
  CLI::App* report = app.add_subcommand("report", "Works on what `lockstep verify` wrote");
  report->require_subcommand(1);
  auto flags = std::make_shared<MergeFlags>();
  CLI::App* merge = report->add_subcommand(
      "merge", "Joins the reports of the parts of a check (--part, --slots) into one verdict");
  merge->add_option("REPORT", flags->reports, "report.json of each part, or its directory")
      ->required();
  merge->add_option("--report", flags->directory, "Write the joined report into this directory")
      ->required()
      ->type_name("DIR");
  merge->add_option("--max-differences", flags->max_differences, "So many are shown")
      ->capture_default_str();
  merge->footer(
      "Example:\n"
      "  lockstep report merge part1 part2 part3 --report whole\n"
      "Exit codes: 0 equal, 1 different, 2 could not tell (also if a part is missing), 254 bad "
      "arguments");
  merge->callback([&action, flags] { action = [flags] { return run_merge(*flags); }; });
}

}  // namespace lockstep::verifier
