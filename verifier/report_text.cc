#include "verifier/report_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "verifier/base64.h"
#include "verifier/explain.h"
#include "verifier/report_json.h"

namespace lockstep::verifier {

namespace {

constexpr size_t key_bytes_shown = 128;

void row(std::string& out, const char* name, const std::string& value) {
  out += fmt::format("  {:<16}{}\n", name, value);
}

std::string side_text(const SideReport& side) {
  std::string nodes;
  for (const std::string& node : side.nodes) nodes += (nodes.empty() ? "" : ", ") + node;
  return fmt::format("{} keys, {} read  ({} of version {})", format_count(side.keys),
                     format_bytes(side.bytes), nodes, side.version);
}

std::string counts_text(const VerifyReport& report) {
  std::string text = format_count(report.difference_count());
  const char* separator = ":";
  for (size_t i = 0; i < diff_class_count; ++i) {
    if (report.counts[i] == 0) continue;
    text += fmt::format("{} {} {}", separator, format_count(report.counts[i]),
                        diff_class_name(static_cast<DiffClass>(i)));
    separator = ",";
  }
  return text;
}

std::string compared_text(const VerifyReport& report) {
  std::string text = format_count(report.compared) + " keys";
  if (report.libraries_compared)
    text += fmt::format(", {} libraries of functions", format_count(*report.libraries_compared));
  const uint64_t own = std::max(report.source.own_keys, report.target.own_keys);
  if (own > 0) text += fmt::format("; not {} of Lockstep's own", format_count(own));
  return text;
}

/// Of the differences, those that were to be expected.
std::string explained_text(const VerifyReport& report) {
  std::string text;
  const auto add = [&](Explained which, const char* what) {
    const uint64_t count = report.explained[static_cast<size_t>(which)];
    if (count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_count(count), what);
  };
  add(Explained::evicted, "evicted by the target");
  add(Explained::unsupported, "the target's version cannot hold");
  return text.empty() ? text : "of these " + text;
}

std::string again_text(const VerifyReport& report) {
  return fmt::format("{} keys: {} agreed then, {} expired meanwhile",
                     format_count(report.candidates), format_count(report.settled),
                     format_count(report.expired));
}

std::string not_compared_text(const VerifyReport& report) {
  std::string text;
  for (const std::string& what : not_compared(report)) text += (text.empty() ? "" : ", ") + what;
  return text;
}

std::string repair_text(const RepairReport& repair) {
  std::string text = fmt::format("{}{} written, {} removed, {} agreed by then, {} left ({})",
                                 repair.dry_run ? "would be " : "", format_count(repair.written),
                                 format_count(repair.removed), format_count(repair.agreed),
                                 format_count(repair.left), format_duration(repair.duration));
  if (!repair.left_why.empty()) text += "; left " + repair.left_why;
  return text;
}

std::string duration_text(const VerifyReport& report) {
  return fmt::format("{} (both sides {}, again {})", format_duration(report.duration),
                     format_duration(report.pass_time), format_duration(report.settle_time));
}

std::string engine_text(const EngineReport& engine) {
  std::string text = fmt::format("expiry mode {}", engine.expiry);
  if (engine.expiry_grace > milliseconds(0))
    text += ", expiries later by " + format_duration(engine.expiry_grace);
  if (engine.holds == 0) return text;
  text = fmt::format("held {} times, {} at most of {}, {} in all; {}", format_count(engine.holds),
                     format_duration(engine.hold_longest), format_duration(engine.hold_max),
                     format_duration(engine.hold_total), text);
  if (engine.ahead > 0)
    text += fmt::format("; {} keys were ahead of it", format_count(engine.ahead));
  if (engine.cuts_failed > 0)
    text += fmt::format("; {} cuts had to be made again", format_count(engine.cuts_failed));
  return text;
}

std::string positions_text(const SideReport& side) {
  std::string text;
  for (const NodePosition& each : side.positions)
    text += fmt::format("{}{} offset {}", text.empty() ? "" : ", ", each.node, each.offset.value);
  return text;
}

std::string sample_text(const VerifyReport& report) {
  return fmt::format("{} of {} keys: with 95 % confidence at most {} of all differ",
                     format_count(report.compared), format_count(report.population),
                     format_count(report.differing_at_most));
}

void table(std::string& out, const VerifyReport& report) {
  row(out, "source", side_text(report.source));
  row(out, "target", side_text(report.target));
  row(out, "compared", compared_text(report));
  if (!report.scopes.empty()) row(out, "only", fmt::format("{}", fmt::join(report.scopes, "; ")));
  if (report.population > 0) row(out, "sample", sample_text(report));
  row(out, "different", counts_text(report));
  const std::string explained = explained_text(report);
  if (!explained.empty()) row(out, "explained", explained);
  if (report.candidates > 0) row(out, "read again", again_text(report));
  if (report.flapping > 0)
    row(out, "flapping", format_count(report.flapping) + " keys changed and never agreed");
  if (report.unverifiable_count > 0)
    row(out, "unverifiable", format_count(report.unverifiable_count) + " keys");
  row(out, "not compared", not_compared_text(report));
  row(out, "method, cut", report.method + ", " + report.cut);
  if (!report.source.positions.empty()) row(out, "at", positions_text(report.source));
  if (report.engine) row(out, "engine", engine_text(*report.engine));
  row(out, "duration", duration_text(report));
  if (report.repair) row(out, "repair", repair_text(*report.repair));
  if (report.repair && !report.repair->problem.empty())
    row(out, "repair ended by", report.repair->problem);
  if (report.repair && !report.repair->journal.empty())
    row(out, "undo it", "lockstep verify undo " + report.repair->journal.string());
  for (const std::string& note : report.notes) row(out, "note", note);
}

/// Printable, with its database; a second line has the bytes where the first does not tell them.
std::string key_text(DbIndex db, const std::string& key, const std::string& type) {
  const std::string in_db = db.value > 0 ? fmt::format("  db {}", db.value) : "";
  std::string out = fmt::format("\"{}\"{}  {}\n", printable(key, key_bytes_shown), in_db, type);
  if (key.size() > key_bytes_shown) {
    out += fmt::format("    a key of {} bytes: diff.jsonl has all of it\n", key.size());
  } else if (printable(key) != key) {
    out += fmt::format("    base64: {}\n", base64(key));
  }
  return out;
}

const char* headline(Verdict verdict) {
  switch (verdict) {
    case Verdict::equal:
      return "EQUAL";
    case Verdict::different:
      return "DIFFERENT";
    case Verdict::unknown:
      break;
  }
  return "UNKNOWN";
}

/// How many of `count` are not among those shown.
void rest(std::string& out, uint64_t count, size_t shown, const char* what,
          const std::filesystem::path& directory) {
  if (count <= shown) return;
  out += fmt::format("\n… and {} more {}{}\n", format_count(count - shown), what,
                     directory.empty() ? ": --report DIR writes all of them" : "");
}

void lists(std::string& out, const VerifyReport& report, const std::filesystem::path& directory) {
  for (const Difference& each : report.differences) out += '\n' + difference_text(each);
  rest(out, report.difference_count(), report.differences.size(), "differences", directory);
  for (const Unverifiable& each : report.unverifiable) out += '\n' + unverifiable_text(each);
  rest(out, report.unverifiable_count, report.unverifiable.size(), "unverifiable", directory);
  for (const Difference& each : report.flapping_keys)
    out += "\nflapping, last seen as\n" + difference_text(each);
  rest(out, report.flapping, report.flapping_keys.size(), "flapping", directory);
  if (!directory.empty() && !report.differences.empty())
    out += fmt::format("\none key from both sides, decoded: lockstep verify explain {} KEY\n",
                       directory.string());
}

}  // namespace

std::string difference_text(const Difference& each) {
  const std::string type = each.source_type != "none" ? each.source_type : each.target_type;
  std::string out = std::string(diff_class_name(each.diff_class)) + "  ";
  out += key_text(each.db, each.key, type);
  if (!each.detail.empty()) out += fmt::format("    {}\n", each.detail);
  const bool expiries = each.source_expiry || each.target_expiry;
  if (expiries && each.diff_class != DiffClass::expiry)
    out += fmt::format("    expiry: source {}, target {}\n", printable_expiry(each.source_expiry),
                       printable_expiry(each.target_expiry));
  if (!each.source_command.empty()) out += fmt::format("    source: {}\n", each.source_command);
  if (!each.target_command.empty()) out += fmt::format("    target: {}\n", each.target_command);
  return out;
}

std::string unverifiable_text(const Unverifiable& each) {
  return "unverifiable  " + key_text(each.db, each.key, "") + "    " + each.reason + '\n';
}

std::string report_text(const VerifyReport& report, const std::filesystem::path& directory) {
  std::string out = headline(report.verdict);
  if (!report.problem.empty()) out += ": " + report.problem;
  out += '\n';
  if (!report.source.nodes.empty() && !report.target.nodes.empty()) table(out, report);
  lists(out, report, directory);
  if (!directory.empty())
    out += fmt::format("\nreport: {}\n", (directory / "report.json").string());
  return out;
}

}  // namespace lockstep::verifier
