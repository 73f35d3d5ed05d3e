#include "scenarios/certify/progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sync/base/units.h"
#include "verifier/progress.h"

namespace lockstep::scenarios::certify {

namespace {

using std::chrono::milliseconds;

constexpr size_t width_default = 80;

size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : width_default;
}

/// The first `width` characters of UTF-8.
std::string cut(const std::string& text, size_t width) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (begins && characters++ == width) return text.substr(0, i);
  }
  return text;
}

/// Cells that run count as half done: many at once would make the first ones look slow. The last
/// ones, few by then, need half of a cell's time at least.
std::string eta(const ProgressState& state) {
  if (state.done == 0 || state.elapsed.count() == 0) return "ETA ?";
  const double running = static_cast<double>(state.running.size()) / 2;
  const double done = static_cast<double>(state.done) + running;
  const double minutes = static_cast<double>(state.elapsed.count()) / 60000;
  const size_t not_done = state.total - std::min(state.total, state.before + state.done);
  const std::string rate = fmt::format("{:.1f} a minute", done / minutes);
  if (not_done == 0) return rate;
  const double left_minutes = (static_cast<double>(not_done) - running) * minutes / done;
  const milliseconds left(static_cast<int64_t>(left_minutes * 60000));
  const milliseconds half_a_cell = state.cells / static_cast<int64_t>(2 * state.done);
  return fmt::format("{}  ETA {}", rate, format_duration(std::max(left, half_a_cell)));
}

std::string troubles(const ProgressState& state) {
  std::string text;
  for (const Outcome each : {Outcome::failed, Outcome::not_certified}) {
    const size_t count = state.outcomes[static_cast<size_t>(each)];
    if (count > 0) text += fmt::format("  {} {}", count, outcome_words(each));
  }
  return text;
}

std::string done_text(const Cell& cell) {
  std::string text =
      fmt::format("{}: {} in {}", cell_label(cell), outcome_words(cell.outcome),
                  format_duration(milliseconds(static_cast<int64_t>(cell.seconds * 1000))));
  if (!cell.reason.empty()) text += ": " + cell.reason;
  return text;
}

}  // namespace

std::string cell_label(const Cell& cell) {
  return fmt::format("{} → {}{}", cell.from, cell.to,
                     cell.topology == Topology::cluster ? " (cluster)" : "");
}

std::string progress_text(const ProgressState& state, size_t width) {
  const size_t done = state.before + state.done;
  const double fraction =
      state.total == 0
          ? 1
          : std::min(1.0, static_cast<double>(done) / static_cast<double>(state.total));
  return cut(fmt::format("{} {:3.0f}%  {} of {} cells{}  {}  {}", verifier::progress_bar(fraction),
                         fraction * 100, done, state.total, troubles(state), eta(state),
                         fmt::join(state.running, ", ")),
             width);
}

Progress::Progress(size_t cells_total, size_t cells_done_before, bool terminal)
    : terminal_(terminal) {
  state_.total = cells_total;
  state_.before = cells_done_before;
}

Progress::~Progress() {
  if (terminal_) fmt::print(stderr, "\r\033[K");
}

void Progress::begin(const std::string& cell) {
  state_.running.push_back(cell);
  show();
}

void Progress::done(const Cell& cell) {
  const auto running = std::find(state_.running.begin(), state_.running.end(), cell_label(cell));
  if (running != state_.running.end()) state_.running.erase(running);
  ++state_.done;
  state_.cells += milliseconds(static_cast<int64_t>(cell.seconds * 1000));
  ++state_.outcomes[static_cast<size_t>(cell.outcome)];
  state_.elapsed =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_);
  const bool trouble = cell.outcome == Outcome::failed || cell.outcome == Outcome::not_certified;
  if (terminal_ && trouble) fmt::print(stderr, "\r\033[K{}\n", done_text(cell));
  if (!terminal_)
    fmt::print(stderr, "[{}/{}] {}  {}\n", state_.before + state_.done, state_.total,
               done_text(cell), eta(state_));
  show();
}

void Progress::show() {
  if (!terminal_) return;
  state_.elapsed =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_);
  fmt::print(stderr, "\r\033[K{}", progress_text(state_, terminal_width() - 1));
  std::fflush(stderr);
}

}  // namespace lockstep::scenarios::certify
