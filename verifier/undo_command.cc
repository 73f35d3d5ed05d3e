#include "verifier/undo_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "sync/base/error.h"
#include "verifier/undo.h"

namespace lockstep::verifier {

namespace {

int run_undo(const UndoOptions& options) {
  const UndoReport report = undo(options);
  fmt::print("{}: {} keys {}, {} were so already, {} were changed since the repair{}\n",
             report.changed > 0 ? "NOT ALL UNDONE" : "UNDONE", format_count(report.restored),
             options.dry_run ? "would be put back" : "put back", format_count(report.already),
             format_count(report.changed),
             report.changed > 0 ? " and left as they are (--force puts these back too)" : "");
  for (const std::string& key : report.samples) fmt::print("  changed  \"{}\"\n", key);
  return static_cast<int>(report.changed > 0 ? ExitCode::different : ExitCode::ok);
}

}  // namespace

void add_undo_command(CLI::App& verify, std::function<int()>& action) {
  auto flags = std::make_shared<UndoOptions>();
  CLI::App* command = verify.add_subcommand(
      "undo", "Put back what --repair overwrote or removed, from its journal");
  command->add_option("FILE", flags->journal, "DIR/repair.jsonl")->required();
  command
      ->add_option("--to", flags->to,
                   "The target, where its address has changed or wants a password")
      ->type_name("URL");
  command->add_flag("--force", flags->force, "Also keys that were changed since the repair");
  command->add_flag("--dry-run", flags->dry_run, "Only say what would be done");
  command->footer(
      "It holds no engine: stop the one that feeds the target first, else its writes and these may "
      "cross.\n"
      "Exit codes: 0 all is as before the repair, 1 some keys were changed since, 2 could not do "
      "it, 254 bad arguments");
  command->callback([&action, flags] { action = [flags] { return run_undo(*flags); }; });
}

}  // namespace lockstep::verifier
