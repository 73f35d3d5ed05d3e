#include "verifier/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>

#include "sync/base/units.h"

namespace lockstep::verifier {

namespace {

using std::chrono::milliseconds;

constexpr int bar_width = 24;
constexpr milliseconds terminal_period{200};
constexpr milliseconds plain_period{2000};
constexpr std::chrono::duration<double, std::milli> smoothing{3000};

std::string eta(const Stage& stage, double keys_per_s) {
  if (keys_per_s < 1) return "?";
  const auto left = static_cast<double>(stage.total - std::min(stage.total, stage.done));
  return format_duration(milliseconds(static_cast<int64_t>(left / keys_per_s * 1000)));
}

}  // namespace

std::string progress_bar(double fraction) {
  const int full = static_cast<int>(fraction * bar_width);
  std::string text;
  for (int i = 0; i < bar_width; ++i) text += i < full ? "█" : "░";
  return text;
}

std::string progress_line(const Stage& stage, double keys_per_s) {
  if (stage.total == 0 || stage.done == 0) return stage.name;
  const double fraction =
      std::min(1.0, static_cast<double>(stage.done) / static_cast<double>(stage.total));
  return fmt::format("{} {} {:3.0f}%  {} of {}  {} keys/s  ETA {}", stage.name,
                     progress_bar(fraction), fraction * 100, format_count(stage.done),
                     format_count(stage.total), format_count(static_cast<uint64_t>(keys_per_s)),
                     eta(stage, keys_per_s));
}

Progress::Progress(boost::asio::any_io_executor executor, std::function<Stage()> ask)
    : ask_(std::move(ask)), timer_(executor), terminal_(::isatty(STDERR_FILENO) == 1) {}

boost::asio::awaitable<void> Progress::run() {
  while (!closed_) {
    timer_.expires_after(terminal_ ? terminal_period : plain_period);
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (!closed_) show();
  }
  if (terminal_) fmt::print(stderr, "\r\033[K");
}

void Progress::close() {
  closed_ = true;
  timer_.cancel();
}

void Progress::show() {
  const Stage stage = ask_();
  const milliseconds period = terminal_ ? terminal_period : plain_period;
  const bool begins = stage.name != last_.name || rate_ == 0;
  const uint64_t before = stage.name == last_.name ? std::min(last_.done, stage.done) : 0;
  const double now =
      static_cast<double>(stage.done - before) * 1000 / static_cast<double>(period.count());
  const double weight = begins ? 1 : period / (period + smoothing);
  rate_ += weight * (now - rate_);
  const std::string line = progress_line(stage, rate_);
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", line);
  } else if (line != last_line_) {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
  last_ = stage;
  last_line_ = line;
}

}  // namespace lockstep::verifier
