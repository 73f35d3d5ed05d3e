#include "scenarios/certify/report_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "scenarios/certify/certificate_files.h"
#include "scenarios/certify/merge.h"
#include "scenarios/certify/report_kind.h"
#include "verifier/merge.h"
#include "verifier/report_text.h"

namespace lockstep::scenarios::certify {

namespace {

struct MergeFlags {
  std::vector<std::string> reports;
  std::string directory;
  size_t max_differences = 20;
};

ExitCode merge_checks(const MergeFlags& flags, const std::vector<std::filesystem::path>& paths) {
  const verifier::VerifyReport report =
      verifier::merge_files(paths, flags.directory, flags.max_differences);
  fmt::print("{}", verifier::report_text(report, flags.directory));
  return report.exit_code();
}

ExitCode merge_parts(const MergeFlags& flags, const std::vector<std::filesystem::path>& paths) {
  const Certificate whole = merge_certificate_files(paths, flags.directory);
  print_table(whole);
  fmt::print("certificate: {}\n",
             (std::filesystem::path(flags.directory) / "certificate.md").string());
  return exit_code(whole);
}

int run_merge(const MergeFlags& flags) {
  const std::vector<std::filesystem::path> paths(flags.reports.begin(), flags.reports.end());
  return static_cast<int>(kind_of_reports(paths) == ReportKind::certificate
                              ? merge_parts(flags, paths)
                              : merge_checks(flags, paths));
}

}  // namespace

void add_report_command(CLI::App& app, std::function<int()>& action) {
  CLI::App* report =
      app.add_subcommand("report", "Works on what `lockstep verify` and `lockstep certify` wrote");
  report->require_subcommand(1);
  auto flags = std::make_shared<MergeFlags>();
  CLI::App* merge = report->add_subcommand(
      "merge",
      "Joins the reports of the parts of a check (verify --part, --slots), or the certificates of "
      "the parts of a matrix (certify --shard)");
  merge
      ->add_option("REPORT", flags->reports,
                   "report.json or certificate.json of each part, or its directory")
      ->required();
  merge->add_option("--report,--out", flags->directory, "Write the joined one into this directory")
      ->required()
      ->type_name("DIR");
  merge
      ->add_option("--max-differences", flags->max_differences,
                   "So many are shown of those that a check found")
      ->capture_default_str();
  merge->footer(
      "Examples:\n"
      "  lockstep report merge part1 part2 part3 --report whole\n"
      "  lockstep report merge shards/* --out whole\n"
      "Exit codes: 0 equal, or certified; 1 different, or a cell failed; 2 could not tell, not\n"
      "certified, or a part is missing; 254 bad arguments");
  merge->callback([&action, flags] { action = [flags] { return run_merge(*flags); }; });
}

}  // namespace lockstep::scenarios::certify
