#include "verifier/explain_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>

#include "verifier/base64.h"
#include "verifier/key_reader.h"
#include "verifier/report_files.h"
#include "verifier/report_text.h"
#include "verifier/run_to_end.h"
#include "verifier/side_by_side.h"

namespace lockstep::verifier {

namespace {

struct ExplainFlags {
  std::string directory;
  std::string key;
  bool base64 = false;
  int db = -1;
  std::vector<std::string> from;
  std::vector<std::string> to;
  size_t rows = 40;
};

/// The key as meant: a line of diff.jsonl that shows it so (then with its class), or the bytes.
DiffLine find_key(const ExplainFlags& flags) {
  const std::filesystem::path file = std::filesystem::path(flags.directory) / "diff.jsonl";
  const auto decoded = flags.base64 ? from_base64(flags.key) : std::optional(flags.key);
  if (!decoded) throw UserError("--base64: KEY is not base64", ExitCode::bad_arguments);
  if (std::filesystem::exists(file)) {
    DiffReader reader(file);
    while (auto line = reader.next()) {
      const Difference& found = line->difference;
      if (flags.db >= 0 && found.db.value != static_cast<uint32_t>(flags.db)) continue;
      const bool as_shown = !flags.base64 && printable(found.key, found.key.size()) == flags.key;
      if (found.key == *decoded || as_shown) return *line;
    }
  }
  DiffLine line{"", {}};
  line.difference.key = *decoded;
  line.difference.db = DbIndex{static_cast<uint32_t>(std::max(0, flags.db))};
  return line;
}

std::string places_text(const Side& side, const Reading& reading, const std::string& key) {
  std::string text;
  for (const size_t node : reading.nodes.empty() ? side.holders(key) : reading.nodes)
    text += (text.empty() ? "" : ", ") + side.node(node).endpoint.label();
  return text;
}

std::string headline(const Comparison& comparison) {
  switch (comparison.outcome) {
    case Outcome::equal:
      return "EQUAL";
    case Outcome::expired:
      return "EXPIRED on one side";
    case Outcome::unverifiable:
      return "UNKNOWN: " + comparison.detail;
    case Outcome::different:
      break;
  }
  return fmt::format("DIFFERENT: {}{}{}", diff_class_name(comparison.diff_class),
                     comparison.detail.empty() ? "" : ": ", comparison.detail);
}

ExitCode exit_code(Outcome outcome) {
  if (outcome == Outcome::different) return ExitCode::different;
  return outcome == Outcome::unverifiable ? ExitCode::unknown : ExitCode::ok;
}

asio::awaitable<void> explain(ExplainFlags flags, ExitCode& result) {
  const ReportedSides sides = read_reported_sides(flags.directory);
  const DiffLine line = find_key(flags);
  Side source(SideName::source), target(SideName::target);
  co_await source.open(flags.from.empty() ? sides.from : flags.from, "auto");
  co_await target.open(flags.to.empty() ? sides.to : flags.to, "auto");
  const std::vector<Candidate> keys{{line.difference.db, line.difference.key}};
  const std::vector<Reading> s = co_await read_keys(source, keys);
  const std::vector<Reading> t = co_await read_keys(target, keys);
  const Comparison comparison = compare(s[0], t[0], sides.tolerance);
  const std::string& key = line.difference.key;
  fmt::print("{}\n", headline(comparison));
  fmt::print("  key         \"{}\"  base64 {}  db {}\n", printable(key), base64(key),
             line.difference.db.value);
  fmt::print("  source      {}\n", places_text(source, s[0], key));
  fmt::print("  target      {}\n", places_text(target, t[0], key));
  if (!line.status.empty())
    fmt::print("  the report  {}: {}  {}\n", line.status,
               diff_class_name(line.difference.diff_class), line.difference.detail);
  fmt::print("\n{}", explain_text(s[0], t[0], sides.tolerance, flags.rows));
  result = exit_code(comparison.outcome);
}

int run_explain(const ExplainFlags& flags) {
  ExitCode result = ExitCode::unknown;
  run_to_end(explain(flags, result));
  return static_cast<int>(result);
}

}  // namespace

void add_explain_command(CLI::App& verify, std::function<int()>& action) {
  auto flags = std::make_shared<ExplainFlags>();
  CLI::App* command = verify.add_subcommand(
      "explain", "Show one key from both sides, decoded, element by element, as it is now");
  command->add_option("DIR", flags->directory, "What `lockstep verify --report DIR` wrote")
      ->required();
  command->add_option("KEY", flags->key, "The key itself, or as the report shows it")->required();
  command->add_flag("--base64", flags->base64, "KEY is in base64, as key_base64 in diff.jsonl");
  command->add_option("--db", flags->db, "Its database; otherwise the report's, or 0");
  command
      ->add_option("--from", flags->from,
                   "The source, where the report's address has changed or wants a password")
      ->type_name("URL");
  command->add_option("--to", flags->to, "The target: the same")->type_name("URL");
  command->add_option("--rows", flags->rows, "So many elements are shown, differing ones first")
      ->capture_default_str();
  command->footer("Exit codes: 0 equal, 1 different, 2 could not tell, 254 bad arguments");
  command->callback([&action, flags] { action = [flags] { return run_explain(*flags); }; });
}

}  // namespace lockstep::verifier
