#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "sync/engine/wake.h"

namespace lockstep::engine {

class Engine;
struct Status;

/// One line about a status: a bar with rate and ETA while copying, offsets and delay while
/// following. `width`: columns.
std::string progress_line(const Status& status, double keys_per_s, double bytes_per_s, int width);

/// Prints progress until the engine ends: redrawn in place on a terminal, otherwise a plain line
/// every few seconds when it changed.
class Progress {
 public:
  explicit Progress(Engine& engine);
  boost::asio::awaitable<void> run();
  /// Ends run() at its next turn and finishes the line.
  void close();

 private:
  void show(const Status& status, double seconds);

  Engine& engine_;
  Sleeper pause_;
  bool terminal_;
  bool closed_ = false;
  uint64_t last_keys_ = 0;
  uint64_t last_bytes_ = 0;
  std::string last_line_;
};

}  // namespace lockstep::engine
