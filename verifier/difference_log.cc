#include "verifier/difference_log.h"

#include <fmt/format.h>

#include "verifier/evictions.h"
#include "verifier/report_json.h"

namespace lockstep::verifier {

DifferenceLog::DifferenceLog(const VerifyOptions& options, VerifyReport& report)
    : options_(options), report_(report) {
  if (options.report.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(options.report, error);
  if (!error) open(options.state.empty() ? std::ios::trunc : std::ios::app);
  if (!error && file_) return;
  throw UserError(fmt::format("--report {}: cannot be written: {}", options.report.string(),
                              error ? error.message() : "no file can be made in it"),
                  ExitCode::bad_arguments);
}

void DifferenceLog::open(std::ios::openmode mode) {
  file_.open(options_.report / "diff.jsonl", std::ios::binary | std::ios::out | mode);
}

void DifferenceLog::resume_at(uint64_t bytes) {
  if (!file_.is_open()) return;
  file_.close();
  std::error_code error;
  std::filesystem::resize_file(options_.report / "diff.jsonl", bytes, error);
  open(std::ios::app);
  if (error || !file_)
    throw UserError(fmt::format("{}: cannot be continued at {} bytes: {}",
                                (options_.report / "diff.jsonl").string(), bytes, error.message()));
}

uint64_t DifferenceLog::written_bytes() {
  if (!file_.is_open()) return 0;
  file_.flush();
  return std::filesystem::file_size(options_.report / "diff.jsonl");
}

void DifferenceLog::add(Difference difference) {
  count_eviction(difference, report_.target.evictions);
  ++report_.counts[static_cast<size_t>(difference.diff_class)];
  if (difference.explained != Explained::no)
    ++report_.explained[static_cast<size_t>(difference.explained)];
  if (file_.is_open()) file_ << difference_line(difference, "different") << '\n';
  if (report_.differences.size() < options_.max_differences)
    report_.differences.push_back(std::move(difference));
}

void DifferenceLog::add(Unverifiable unverifiable) {
  ++report_.unverifiable_count;
  if (file_.is_open()) file_ << unverifiable_line(unverifiable) << '\n';
  if (report_.unverifiable.size() < options_.max_differences)
    report_.unverifiable.push_back(std::move(unverifiable));
}

void DifferenceLog::add_flapping(const Difference& last_seen) {
  ++report_.flapping;
  if (file_.is_open()) file_ << difference_line(last_seen, "flapping") << '\n';
  if (report_.flapping_keys.size() < options_.max_differences)
    report_.flapping_keys.push_back(last_seen);
}

void DifferenceLog::close() {
  if (!file_.is_open()) return;
  file_.close();
  if (!file_) {
    throw UserError(fmt::format("{}: not everything could be written",
                                (options_.report / "diff.jsonl").string()));
  }
}

}  // namespace lockstep::verifier
