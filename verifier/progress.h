#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

namespace lockstep::verifier {

/// How far the check is.
struct Stage {
  const char* name = "";
  uint64_t done = 0;
  uint64_t total = 0;
};

/// On standard error: one line redrawn in place on a terminal, elsewhere a plain line every two
/// seconds.
class Progress {
 public:
  Progress(boost::asio::any_io_executor executor, std::function<Stage()> ask);
  boost::asio::awaitable<void> run();
  void close();

 private:
  void show();

  std::function<Stage()> ask_;
  boost::asio::steady_timer timer_;
  bool terminal_;
  bool closed_ = false;
  Stage last_;
  double rate_ = 0;  ///< keys a second, of the last seconds more than of those before
  std::string last_line_;
};

/// "████░░" of a fixed width; `fraction` from 0 to 1.
std::string progress_bar(double fraction);

/// "reading ████░░ 61%  …  ETA 3.0 s". Sans-io.
std::string progress_line(const Stage& stage, double keys_per_s);

}  // namespace lockstep::verifier
