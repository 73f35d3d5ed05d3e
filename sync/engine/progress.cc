#include "sync/engine/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sync/engine/engine.h"

namespace lockstep::engine {

using std::chrono::milliseconds;

namespace {

constexpr int bar_width = 24;
constexpr milliseconds terminal_period{200};
constexpr milliseconds plain_period{2000};

struct Totals {
  uint64_t keys = 0, keys_total = 0, bytes = 0, commands = 0, fences = 0, spool = 0;
  int64_t lag_bytes = 0, delay_ms = 0;
  size_t streaming = 0;
};

Totals sum(const Status& status) {
  Totals totals;
  for (const LinkStatus& link : status.links) {
    totals.keys += link.keys_loaded;
    totals.keys_total += link.keys_total;
    totals.bytes += link.bytes_received;
    totals.commands += link.commands;
    totals.fences += link.fences;
    totals.spool += link.spool_bytes;
    totals.streaming += link.phase == "streaming" ? 1 : 0;
    totals.delay_ms = std::max(totals.delay_ms, link.delay_ms);
    totals.lag_bytes += std::max<int64_t>(0, link.received_offset - link.applied_offset);
  }
  return totals;
}

std::string bar(double fraction) {
  const int full = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * bar_width);
  std::string text;
  for (int i = 0; i < bar_width; ++i) text += i < full ? "█" : "░";
  return text;
}

int columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 120;
}

}  // namespace

std::string progress_line(const Status& status, double keys_per_s, double bytes_per_s, int) {
  const Totals totals = sum(status);
  if (status.state == State::initialising) {
    if (totals.keys == 0)
      return fmt::format("initialising  waiting for the source's snapshot ({} links)",
                         status.links.size());
    const double fraction = totals.keys_total ? static_cast<double>(totals.keys) /
                                                    static_cast<double>(totals.keys_total)
                                              : 0;
    const uint64_t left = totals.keys_total > totals.keys ? totals.keys_total - totals.keys : 0;
    const std::string eta = keys_per_s > 1 ? format_duration(milliseconds(static_cast<int64_t>(
                                                 static_cast<double>(left) / keys_per_s * 1000)))
                                           : "?";
    return fmt::format("copying {} {:3.0f}%  {} of {} keys  {}/s  {} keys/s  ETA {}", bar(fraction),
                       std::min(100.0, fraction * 100), format_count(totals.keys),
                       format_count(totals.keys_total),
                       format_bytes(static_cast<uint64_t>(bytes_per_s)),
                       format_count(static_cast<uint64_t>(keys_per_s)), eta);
  }
  return fmt::format("{}  {} commands  {}/s  behind {} ({})  fences {}{}", state_name(status.state),
                     format_count(totals.commands),
                     format_bytes(static_cast<uint64_t>(bytes_per_s)),
                     format_bytes(static_cast<uint64_t>(totals.lag_bytes)),
                     format_duration(milliseconds(totals.delay_ms)), format_count(totals.fences),
                     status.held ? "  HELD" : "");
}

Progress::Progress(Engine& engine)
    : engine_(engine), pause_(engine.executor()), terminal_(::isatty(STDERR_FILENO) == 1) {}

void Progress::show(const Status& status, double seconds) {
  const Totals totals = sum(status);
  // A copy that begins again counts from nothing.
  const uint64_t more = totals.keys > last_keys_ ? totals.keys - last_keys_ : 0;
  const double keys = static_cast<double>(more) / seconds;
  const double bytes = static_cast<double>(totals.bytes - last_bytes_) / seconds;
  last_keys_ = totals.keys;
  last_bytes_ = totals.bytes;
  const std::string line = progress_line(status, keys, bytes, columns());
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", line);
  } else if (line != last_line_) {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
  last_line_ = line;
}

void Progress::close() {
  closed_ = true;
  pause_.wake_for_good();
}

boost::asio::awaitable<void> Progress::run() {
  const milliseconds period = terminal_ ? terminal_period : plain_period;
  while (!closed_) {
    co_await pause_.sleep(period);
    if (!closed_) show(engine_.status(), static_cast<double>(period.count()) / 1000);
  }
  if (terminal_) fmt::print(stderr, "\r\033[K");
}

}  // namespace lockstep::engine
