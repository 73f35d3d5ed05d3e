#include "verifier/undo.h"

#include <fmt/format.h>

#include "sync/base/error.h"
#include "verifier/function_check.h"
#include "verifier/key_reader.h"
#include "verifier/run_to_end.h"
#include "verifier/target_write.h"

namespace lockstep::verifier {

namespace {

constexpr size_t samples_max = 20;
/// Servers before 5.0 take relative expiries.
constexpr Tolerance as_written{milliseconds(1000), milliseconds(0)};

bool expired(std::optional<ExpireAt> at, int64_t now_ms) { return at && at->ms <= now_ms; }

/// A key whose time has come is absent.
bool holds(const HeldState& held, const Reading& now) {
  if (!now.payload) return !held.digest || expired(held.expire_at, now.now_ms);
  const HeldState current = held_state(now.payload, now.expire_at);
  return held.digest == current.digest && as_written.same(held.expire_at, current.expire_at);
}

class Undoing {
 public:
  Undoing(const UndoOptions& options, UndoReport& report)
      : options_(options), report_(report), journal_(options.journal) {}

  asio::awaitable<void> run() {
    co_await target_.open(options_.to.empty() ? journal_.target_urls() : options_.to, "auto");
    while (auto entry = journal_.previous()) co_await undo_one(std::move(*entry));
  }

 private:
  asio::awaitable<void> undo_one(JournalEntry entry) {
    if (entry.diff_class == DiffClass::function) {
      co_await undo_library(std::move(entry));
      co_return;
    }
    const std::vector<Candidate> keys{{entry.db, entry.key}};
    const std::vector<Reading> now = co_await read_keys(target_, keys);
    if (!take(undo_step(entry, now[0]), printable(entry.key))) co_return;
    co_await restore(std::move(entry), now[0]);
    ++report_.restored;
  }

  /// True if it is to be put back now.
  bool take(UndoStep step, const std::string& what) {
    if (step == UndoStep::nothing) ++report_.already;
    if (step == UndoStep::nothing) return false;
    if (step == UndoStep::changed && !options_.force) {
      leave(what);
      return false;
    }
    if (options_.dry_run) ++report_.restored;
    return !options_.dry_run;
  }

  asio::awaitable<void> undo_library(JournalEntry entry) {
    const auto node = target_.find(entry.node);
    if (!node) {
      leave(
          fmt::format("library {}, repaired on {}, which is no primary of the target: put it back "
                      "by hand from old_code in the journal",
                      entry.key, entry.node));
      co_return;
    }
    const std::vector<NodeLibraries> now = co_await read_libraries(target_);
    const auto found = now[*node].code.find(entry.key);
    const auto code = found == now[*node].code.end() ? std::nullopt : std::optional(found->second);
    if (!take(undo_library_step(entry, code), "library " + entry.key)) co_return;
    const std::string failure =
        co_await write_library(target_.node(*node), entry.key, entry.old_payload);
    if (failure.empty()) {
      ++report_.restored;
    } else {
      leave("library " + entry.key + ": " + failure);
    }
  }

  void leave(const std::string& what) {
    if (report_.changed++ < samples_max) report_.samples.push_back(what);
  }

  asio::awaitable<void> restore(JournalEntry entry, Reading now) {
    const size_t node = now.nodes.empty() ? target_.holders(entry.key).front() : now.nodes.front();
    fence::FencedKey key{entry.key, std::move(entry.old_payload), entry.old_expire_at, {}};
    if (expired(key.expire_at, now.now_ms)) key.dump_payload.reset();
    std::vector<fence::FencedKey> keys;
    keys.push_back(std::move(key));
    const WriteOutcome outcome =
        co_await write_keys(target_.node(node), entry.db, std::move(keys), target_.now_ms(node));
    if (!outcome.failure.empty()) throw UserError(outcome.failure);
  }

  const UndoOptions& options_;
  UndoReport& report_;
  JournalReader journal_;
  Side target_{SideName::target};
};

}  // namespace

UndoStep undo_step(const JournalEntry& entry, const Reading& now) {
  HeldState old = held_state(entry.old_payload, entry.old_expire_at);
  if (holds(old, now)) return UndoStep::nothing;
  return holds(entry.written, now) ? UndoStep::restore : UndoStep::changed;
}

UndoStep undo_library_step(const JournalEntry& entry, const std::optional<std::string>& code) {
  const std::optional<rdb::Digest128> now = library_state(code).digest;
  if (now == library_state(entry.old_payload).digest) return UndoStep::nothing;
  return now == entry.written.digest ? UndoStep::restore : UndoStep::changed;
}

UndoReport undo(const UndoOptions& options) {
  UndoReport report;
  Undoing undoing(options, report);
  run_to_end(undoing.run());
  return report;
}

}  // namespace lockstep::verifier
