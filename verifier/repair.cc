#include "verifier/repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sync/base/error.h"
#include "verifier/rdb_file.h"
#include "verifier/repairer.h"
#include "verifier/report_json.h"
#include "verifier/run_to_end.h"

namespace lockstep::verifier {

namespace fs = std::filesystem;

namespace {

asio::awaitable<void> mend_all(const VerifyOptions& options, const RepairOptions& repair,
                               const fs::path& differences, RepairReport& report) {
  Side source(SideName::source), target(SideName::target);
  co_await source.open(options.from, options.from_topology);
  co_await target.open(options.to, options.to_topology);
  DiffReader reader(differences);
  Repairer repairer(source, target, options, repair, report);
  co_await repairer.run(reader);
}

/// Whatever ends it early is told with what was done before.
RepairReport mend(const VerifyOptions& options, const RepairOptions& repair,
                  const fs::path& differences) {
  RepairReport report;
  report.dry_run = repair.dry_run;
  const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  try {
    run_to_end(mend_all(options, repair, differences, report));
  } catch (const UserError& error) {
    report.problem = error.what();
  } catch (const ConnectionError& error) {
    report.problem = error.what();
  } catch (const FormatError& error) {
    report.problem = error.what();
  }
  report.duration =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
  return report;
}

/// The first verdict's files, out of the way of the second's.
void keep_first_verdict(const fs::path& directory) {
  for (const char* name : {"diff", "report"}) {
    const std::string extension = name[0] == 'd' ? ".jsonl" : ".json";
    std::error_code error;
    fs::rename(directory / (name + extension), directory / (name + ("-before" + extension)), error);
    if (error) throw UserError(fmt::format("{}: {}", directory.string(), error.message()));
  }
}

void require_possible(const VerifyOptions& options) {
  const auto refuse = [](const char* message) {
    throw UserError(message, ExitCode::bad_arguments);
  };
  if (options.report.empty())
    refuse("--repair needs --report DIR: what it overwrites is kept there");
  for (const auto& urls : {options.from, options.to}) {
    for (const std::string& url : urls) {
      if (url.starts_with("file:"))
        refuse("--repair reads keys from a server and writes them to one: a side is a file");
    }
  }
}

}  // namespace

VerifyReport verify_and_repair(const VerifyOptions& options, const RepairOptions& repair) {
  require_possible(options);
  for (const auto* urls : {&options.from, &options.to}) {
    if (std::any_of(urls->begin(), urls->end(), is_file_url))
      throw UserError("--repair needs servers on both sides, not files", ExitCode::bad_arguments);
  }
  VerifyReport first = verify(options);
  if (first.verdict != Verdict::different) return first;
  VerifyOptions learnt = options;
  learnt.expiry_grace = first.expiry_grace;
  if (repair.dry_run) {
    first.repair = mend(learnt, repair, options.report / "diff.jsonl");
    write_report(first, options.report);
    return first;
  }
  keep_first_verdict(options.report);
  RepairReport done = mend(learnt, repair, options.report / "diff-before.jsonl");
  VerifyReport second = verify(options);
  second.repair = std::move(done);
  write_report(second, options.report);
  return second;
}

}  // namespace lockstep::verifier
