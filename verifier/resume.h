#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "verifier/difference_log.h"
#include "verifier/matcher.h"
#include "verifier/pass.h"
#include "verifier/settle.h"
#include "verifier/state_file.h"

namespace lockstep::verifier {

/// Keeps what a check has done in `--state FILE`, so that the same command goes on after a kill.
///
/// A scan is recorded every few seconds: the cursor of each node whose page is not yet in the
/// ledgers, and the ledgers' files up to there. Snapshots are points in time, so they are recorded
/// only when all have been read. After that each batch of candidates is recorded when it is
/// settled, with the report so far and the length of diff.jsonl.
class Resume {
 public:
  /// All outlive it. Without `options.state` it does nothing.
  Resume(const VerifyOptions& options, Side& source, Side& target, Matcher& matcher, Pass& pass,
         QuietWatch& quiet, VerifyReport& report, DifferenceLog& log);

  /// Once both sides are open. True if both have been read already. Throws UserError for a file
  /// that is damaged or of another check, and if a server has restarted since.
  bool load();
  /// There was something to go on from.
  bool loaded() const { return loaded_; }
  /// A scan was under way: it must be one again.
  bool scanning() const { return scanning_; }
  /// While a scan runs, after any page.
  void page_done();
  void reading_done();
  void batch_done();
  /// The verdict stands: nothing is kept.
  void finish();

 private:
  void save(bool read);
  void restore(const nlohmann::json& state);

  const VerifyOptions& options_;
  std::array<Side*, 2> sides_;
  Matcher& matcher_;
  Pass& pass_;
  QuietWatch& quiet_;
  VerifyReport& report_;
  DifferenceLog& log_;
  std::optional<StateFile> file_;
  bool loaded_ = false;
  bool scanning_ = false;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace lockstep::verifier
