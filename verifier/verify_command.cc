#include "verifier/verify_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <utility>

#include "sync/base/units.h"
#include "verifier/explain_command.h"
#include "verifier/repair.h"
#include "verifier/report_text.h"
#include "verifier/undo_command.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

namespace {

/// The flags as given, before they are parsed.
struct VerifyFlags {
  VerifyOptions options;
  std::string read = "auto";
  std::string transfer = "auto";
  std::string cut = "auto";
  std::string max_hold = "15s";
  std::string expiry_tolerance = "1s";
  std::string expiry_grace = "0s";
  std::string settle = "10s";
  std::string report;
  std::string memory = "256MB";
  std::string spill_directory;
  std::string state;
  std::string state_interval = "5s";
  bool quiet = false;
  bool repair = false;
  RepairOptions repair_options;
};

/// The value of a flag that takes one of these words.
template <class Value>
Value choice(const char* flag, const std::string& text,
             const std::vector<std::pair<const char*, Value>>& choices) {
  std::vector<const char*> words;
  for (const auto& [word, value] : choices) {
    if (text == word) return value;
    words.push_back(word);
  }
  throw UserError(fmt::format("{}: \"{}\" is not one of {}", flag, text, fmt::join(words, ", ")),
                  ExitCode::bad_arguments);
}

ReadMode parse_read(const std::string& text) {
  return choice<ReadMode>(
      "--read", text,
      {{"auto", ReadMode::automatic}, {"snapshot", ReadMode::snapshot}, {"scan", ReadMode::scan}});
}

Transfer parse_transfer(const std::string& text) {
  return choice<Transfer>(
      "--transfer", text,
      {{"auto", Transfer::automatic}, {"disk", Transfer::disk}, {"stream", Transfer::stream}});
}

CutMode parse_cut(const std::string& text) {
  return choice<CutMode>("--cut", text,
                         {{"auto", CutMode::automatic},
                          {"quiesced", CutMode::quiesced},
                          {"settle", CutMode::settle},
                          {"position", CutMode::position}});
}

VerifyOptions to_options(const VerifyFlags& flags) {
  VerifyOptions options = flags.options;
  options.read = parse_read(flags.read);
  options.transfer = parse_transfer(flags.transfer);
  options.cut = parse_cut(flags.cut);
  options.max_hold = parse_duration(flags.max_hold, "--max-hold");
  options.expiry_tolerance = parse_duration(flags.expiry_tolerance, "--expiry-tolerance");
  options.expiry_grace = parse_duration(flags.expiry_grace, "--expiry-grace");
  options.settle = parse_duration(flags.settle, "--settle");
  options.report = flags.report;
  options.memory_bytes = parse_size(flags.memory, "--memory");
  if (!flags.spill_directory.empty()) options.spill_directory = flags.spill_directory;
  options.state = flags.state;
  options.state_interval = parse_duration(flags.state_interval, "--state-interval");
  options.progress = !flags.quiet;
  return options;
}

int run_verify(const VerifyFlags& flags) {
  std::signal(SIGPIPE, SIG_IGN);
  const VerifyOptions options = to_options(flags);
  if (flags.repair_options.dry_run && !flags.repair)
    throw UserError("--dry-run belongs to --repair", ExitCode::bad_arguments);
  const VerifyReport report =
      flags.repair ? verify_and_repair(options, flags.repair_options) : verify(options);
  fmt::print("{}", report_text(report, options.report));
  return static_cast<int>(report.exit_code());
}

void add_scope_flags(CLI::App& command, ScopeOptions& scope) {
  command.add_option("--db", scope.db, "Only this database (repeatable)")->type_name("N");
  command
      .add_option("--match", scope.match, "Only keys like this pattern, as SCAN's MATCH takes it")
      ->type_name("PATTERN");
  command.add_option("--type", scope.type,
                     "Only keys of this type: string, list, set, zset, hash, stream, module");
  command.add_option("--slots", scope.slots, "Only keys of these slots, as in 0-5460,9000")
      ->type_name("A-B,…");
  command
      .add_option("--part", scope.part,
                  "Only the i-th of n parts, by the key's hash: n processes do it all, and "
                  "`lockstep report merge` joins their reports")
      ->type_name("I/N");
  command
      .add_option("--sample", scope.sample,
                  "Only this share of the keys, the same ones on both sides and every time; the "
                  "report says what that proves")
      ->type_name("N%");
  command
      .add_option("--keys", scope.keys,
                  "Only the keys of this file: a name on each line, or lines of diff.jsonl")
      ->type_name("FILE");
}

void add_bound_flags(CLI::App& command, VerifyFlags& flags) {
  command
      .add_option("--rate", flags.options.rate,
                  "At most so many commands a second to each side, of scans and of reading again "
                  "(snapshots send none). Reads slow down by themselves while a server answers "
                  "slower than it did")
      ->type_name("N");
  command
      .add_option("--state", flags.state,
                  "Keep what has been done in this file (and the keys beside it): after a kill "
                  "the same command goes on from there. Removed when the verdict stands")
      ->type_name("FILE");
  command.add_option("--state-interval", flags.state_interval, "A scan is recorded so often")
      ->capture_default_str();
  command
      .add_option("--memory", flags.memory,
                  "Bound of what is kept of the keys; the rest goes into a file in --spill-dir, "
                  "about 20 bytes and its name for each key of each side")
      ->capture_default_str();
  command.add_option("--spill-dir", flags.spill_directory, "Default: the system's temporary one")
      ->type_name("DIR");
}

void add_cut_flags(CLI::App& command, VerifyFlags& flags) {
  command
      .add_option(
          "--cut", flags.cut,
          "The moment that the verdict holds for. position: an exact offset of each source "
          "shard, also while writes go on (needs --engine; with --read scan chunk by chunk, "
          "each at an offset of its own); settle: what differs is read "
          "again until it agrees; quiesced: as settle, and no verdict if anything is "
          "written meanwhile; auto: position where an engine is named and can be held, "
          "else settle")
      ->capture_default_str();
  command
      .add_option("--engine", flags.options.engine,
                  "The --control address of the `lockstep sync` that feeds the target. It is held "
                  "for moments and goes on; its expiry grace is taken if none is given")
      ->type_name("ADDR");
  command
      .add_option("--max-hold", flags.max_hold,
                  "The engine goes on by itself after so long, also if this process is killed")
      ->capture_default_str();
  command
      .add_option("--settle", flags.settle,
                  "Keys that differ are read again for at most so long while writes go on; without "
                  "writes half a second is enough")
      ->capture_default_str();
}

void add_flags(CLI::App& command, VerifyFlags& flags) {
  VerifyOptions& options = flags.options;
  command
      .add_option("--from", options.from,
                  "Source: a server or replica, any one node of a cluster, (repeated) the servers "
                  "behind a Twemproxy, or (repeated) RDB files as file:dump.rdb")
      ->type_name("URL");
  command.add_option("--to", options.to, "Target: the same")->type_name("URL");
  command
      .add_option("--from-topology", options.from_topology,
                  "What the source must be: auto, standalone or cluster")
      ->capture_default_str();
  command
      .add_option("--to-topology", options.to_topology,
                  "What the target must be: auto, standalone or cluster")
      ->capture_default_str();
  command
      .add_option("--read", flags.read,
                  "snapshot: one RDB stream of each primary, as a replica gets it; scan: SCAN and "
                  "DUMP; auto: snapshot where PSYNC is allowed, else scan")
      ->capture_default_str();
  command
      .add_option(
          "--transfer", flags.transfer,
          "How servers give a snapshot. stream: without a file where they are set so (Redis 8 and "
          "Valkey 8 always: their child sends it, their main thread has no part in it), after "
          "their repl-diskless-sync-delay; disk: they write a file first, their dump.rdb, which "
          "spares the main threads of older ones and begins at once, but takes longer; auto: "
          "stream, and disk at a position where it can be had")
      ->capture_default_str();
  command
      .add_option("--expiry-tolerance", flags.expiry_tolerance,
                  "Expiries that are no further apart are the same")
      ->capture_default_str();
  command
      .add_option("--expiry-grace", flags.expiry_grace,
                  "The target's expiries may be later by this: the grace of `lockstep sync` while "
                  "it runs in expiry mode replica (1h unless told otherwise)")
      ->capture_default_str();
  add_cut_flags(command, flags);
  command
      .add_option(
          "--report", flags.report,
          "Write report.json, diff.jsonl (every difference) and junit.xml into this directory")
      ->type_name("DIR");
  command.add_option("--max-differences", options.max_differences, "So many are shown")
      ->capture_default_str();
  command.add_flag("!--no-functions", options.functions,
                   "Do not compare the libraries of functions (7.0 on), which needs "
                   "+function|list on both sides");
  add_scope_flags(command, options.scope);
  add_bound_flags(command, flags);
  command.add_flag("--quiet", flags.quiet, "No progress");
}

void add_repair_flags(CLI::App& command, VerifyFlags& flags) {
  command.add_flag(
      "--repair", flags.repair,
      "Make the target right: each confirmed difference is read from the source again "
      "and written to the target, or removed there if it is extra, also libraries of functions; "
      "then verify again. "
      "Needs --report DIR: what was overwritten is kept in DIR/repair.jsonl. An engine "
      "that feeds the target must be named with --engine: it is held while keys are "
      "written. Nobody else may write to the target meanwhile");
  command.add_flag("--dry-run", flags.repair_options.dry_run,
                   "With --repair: only say what it would do");
  command
      .add_option("--repair-rate", flags.repair_options.rate,
                  "Keys that are repaired a second at most; 0: no bound")
      ->capture_default_str();
}

}  // namespace

void add_verify_command(CLI::App& app, std::function<int()>& action) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command =
      app.add_subcommand("verify",
                         "Prove that two deployments hold the same data, or show where "
                         "they do not");
  add_flags(*command, *flags);
  add_repair_flags(*command, *flags);
  command->footer(
      "URLs: redis://[user:password@]host[:port], rediss:// for TLS (?cacert=FILE, ?verify=no), "
      "unix:///path\n"
      "Examples:\n"
      "  lockstep verify --from redis://127.0.0.1:6379 --to redis://127.0.0.1:6380\n"
      "  lockstep verify --from redis://node1 --to rediss://:secret@target --expiry-grace 1h "
      "--report out\n"
      "  lockstep verify --from redis://node1 --to redis://node2 --cut position "
      "--engine unix:/run/lockstep.sock\n"
      "  lockstep verify --from file:backup.rdb --to redis://127.0.0.1:6379 --match 'user:*'\n"
      "Exit codes: 0 equal, 1 different, 2 could not tell, 254 bad arguments, 255 crashed");
  command->require_subcommand(0, 1);
  add_explain_command(*command, action);
  add_undo_command(*command, action);
  command->callback([&action, command, flags] {
    if (command->get_subcommands().empty()) action = [flags] { return run_verify(*flags); };
  });
}

}  // namespace lockstep::verifier
