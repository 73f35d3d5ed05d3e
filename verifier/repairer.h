#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "verifier/compare.h"
#include "verifier/held_reader.h"
#include "verifier/journal.h"
#include "verifier/key_reader.h"
#include "verifier/library_plan.h"
#include "verifier/repair.h"
#include "verifier/report_files.h"
#include "verifier/target_write.h"

namespace lockstep::verifier {

/// What a repair does about one difference.
struct RepairStep {
  enum class Action : uint8_t { none, write, remove, impossible };
  Action action = Action::none;
  std::string why;  ///< of `impossible`
  size_t node = 0;  ///< of the target
};

/// Decides by both sides as they are now. Sans-io. `target_holders`: the nodes that would be asked
/// for the key.
RepairStep repair_step(DiffClass diff_class, const Reading& source, const Reading& target,
                       const std::vector<size_t>& target_holders, const Tolerance& tolerance);

/// Mends one difference after the other. With an engine named, keys are read and written while it
/// is held at the position at which the source had them so: the stream goes on from exactly there,
/// and cannot cross the repair.
class Repairer {
 public:
  Repairer(Side& source, Side& target, const VerifyOptions& options, const RepairOptions& repair,
           RepairReport& report);

  /// Until the reader's end. Throws UserError, ConnectionError; the report tells how far it came.
  asio::awaitable<void> run(DiffReader& differences);

 private:
  /// A difference and what is done about it.
  struct Item {
    Difference difference;
    RepairStep step;
    Reading source;
    Reading target;
  };

  using Attempt = std::function<asio::awaitable<void>()>;

  /// Libraries of functions are put aside.
  std::vector<Difference> next_batch(DiffReader& differences);
  /// Again while a node fails over, a slot moves, a hold ends too early.
  asio::awaitable<void> patiently(Attempt attempt);
  asio::awaitable<void> try_to_mend(std::vector<Difference>& batch);
  asio::awaitable<void> mend(std::vector<Difference> batch);
  /// What is done leaves the batch.
  asio::awaitable<void> mend_held(std::vector<Difference>& batch);
  asio::awaitable<std::vector<HeldPair>> mend_in_one_hold(const std::vector<Difference>& batch);
  asio::awaitable<void> mend_step(const std::vector<Difference>& batch, std::vector<size_t> places,
                                  std::vector<HeldPair>& pairs);
  asio::awaitable<std::vector<Item>> plan(std::vector<Difference> batch);
  Item plan_one(Difference difference, Reading source, Reading target) const;
  asio::awaitable<void> carry_out(std::vector<Item> items);
  void fit_batch(const std::vector<Item>& items);
  asio::awaitable<void> mend_functions();
  asio::awaitable<void> carry_out_libraries(LibraryPlan plan);
  /// Returns what was refused, by name.
  asio::awaitable<std::map<std::string, std::string>> write_libraries(
      std::vector<LibraryStep> steps);
  asio::awaitable<std::string> write_one_library(const LibraryStep& step);
  void open_journal();
  /// What was done since is going to be done again; the journal keeps both.
  void take_back(const RepairReport& before);
  void count(RepairStep::Action action);
  /// A difference that cannot be mended.
  void leave(const std::string& key, const std::string& why);
  /// Writes those of one node and database.
  asio::awaitable<void> write(std::vector<Item> items, size_t node, DbIndex db);
  asio::awaitable<void> journal_rebuilt(std::vector<Item> items, std::vector<size_t> rebuilt);
  asio::awaitable<void> keep_rate(size_t keys, std::chrono::steady_clock::time_point begin);
  fence::FencedKey wanted(const Item& item) const;
  JournalEntry entry_of(const Item& item) const;

  Side& source_;
  Side& target_;
  const VerifyOptions& options_;
  const RepairOptions& repair_;
  RepairReport& report_;
  Tolerance tolerance_;
  std::unique_ptr<JournalWriter> journal_;
  std::optional<EngineControl> engine_;  ///< none: nobody else writes to the target
  size_t batch_keys_;
  std::map<std::string, bool> libraries_;  ///< that differ; true: the source had none of it
  /// What they got, perhaps in an attempt before.
  std::map<std::string, RepairStep::Action> sent_libraries_;
  /// What the batch's keys got, perhaps in an attempt before.
  std::map<std::pair<DbIndex, std::string>, RepairStep::Action> sent_;
};

}  // namespace lockstep::verifier
