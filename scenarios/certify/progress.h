#pragma once

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// How far a run is.
struct ProgressState {
  size_t total = 0;
  size_t before = 0;  ///< done by an earlier run that this one goes on from; no part of the rate
  size_t done = 0;    ///< by this run
  std::array<size_t, outcome_count> outcomes{};  ///< of those done by this run
  std::vector<std::string> running;
  std::chrono::milliseconds cells{0};    ///< what those done by this run took, added up
  std::chrono::milliseconds elapsed{0};  ///< of this run
};

/// "████░░ 34%  77 of 225 cells  1 failed  7.2 a minute  ETA 20 min 32 s  FROM → TO".
/// Cut after `width` columns. Sans-io.
std::string progress_text(const ProgressState& state, size_t width);

/// On standard error: one line redrawn in place on a terminal, with a line of its own for each cell
/// that is not certified; elsewhere a line for each cell done. Not for several threads.
class Progress {
 public:
  Progress(size_t cells_total, size_t cells_done_before, bool terminal);
  /// Takes the line away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(const std::string& cell);  ///< as cell_label() says it
  void done(const Cell& cell);
  /// Draws the line again; to be called now and then, as the time goes on. Nothing elsewhere.
  void show();

 private:
  ProgressState state_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  bool terminal_;
};

/// "FROM → TO", or "FROM → TO (cluster)".
std::string cell_label(const Cell& cell);

}  // namespace lockstep::scenarios::certify
