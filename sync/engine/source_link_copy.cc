// The part of SourceLink that makes another full copy when the link is lost during one. A source
// ends the link itself when it is emptied (FLUSHALL) while its snapshot is under way.
//
//     receive(): give_up_copy() waits            consumer: load_snapshot() gives up at copy_lost_,
//                     ⇐ copy_wake_ ⇐             begin_copy_again() connects, removes, goes on

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/engine/source_link.h"

namespace lockstep::engine {

using std::chrono::milliseconds;

namespace {

/// A source whose limits are too small for the copy ends every one.
constexpr unsigned copies_lost_max = 5;
/// Of copies of which nothing has come: they cost nothing.
constexpr unsigned empty_copies_lost_max = 10;
constexpr milliseconds pause_min{200};
constexpr milliseconds pause_max{5000};

}  // namespace

std::string SourceLink::why_no_other_copy() const {
  if (snapshot_bytes_ == 0)
    return empty_copies_lost_ < empty_copies_lost_max
               ? ""
               : fmt::format("that was try {}; run again", empty_copies_lost_);
  if (!options_.target_was_empty)
    return "what of it the target has by now cannot be told from what it had before. Run again: "
           "with --existing overwrite keys that the source has deleted meanwhile stay, so empty "
           "the target first where it may be emptied";
  return copies_lost_ < copies_lost_max
             ? ""
             : fmt::format("that was try {}. Empty the target and run again", copies_lost_);
}

asio::awaitable<void> SourceLink::give_up_copy(std::string reason) {
  ++(snapshot_bytes_ == 0 ? empty_copies_lost_ : copies_lost_);
  const std::string refusal = why_no_other_copy();
  if (!refusal.empty()) {
    throw UserError(
        fmt::format("the source {} ended the link during the full copy: {}; see its log (a replica "
                    "output buffer "
                    "limit or repl-timeout that is too small is the usual cause, or it was emptied "
                    "meanwhile); {}",
                    options_.source.label(), reason, refusal));
  }
  spdlog::warn("{}: link lost during the full copy: {}; another one is begun",
               options_.source.label(), reason);
  copy_lost_ = true;
  spool_wake_.notify();
  while (copy_lost_ && !closed_) co_await copy_wake_.wait();
}

// The source first: as long as it is away, the target keeps what it has. What is written to the
// source from then on is in the stream, and receive() drains the link while keys are removed.
asio::awaitable<void> SourceLink::begin_copy_again() {
  co_await target_.drain(options_.id);
  forget_lost_copy();
  auto link = co_await open_again();
  co_await learn_source();
  start_ = link->start();
  received_ = parsed_ = start_.offset;
  link_ = std::move(link);
  phase_ = LinkPhase::waiting;
  copy_lost_ = false;
  copy_wake_.notify();
  spdlog::info("{}: full copy begins again at replid {} offset {}", options_.source.label(),
               start_.replid.value, start_.offset.value);
  co_await remove_lost_copy();
}

void SourceLink::forget_lost_copy() {
  copied_keys_ += loader_.counters().keys;
  copied_libraries_.merge(loader_.forget());
  unsupported_.forget();
  fences_ = FenceBook();
  target_.forget_link(options_.id);
  spool_.clear();
  work_.clear();
  work_read_ = 0;
  framer_ = rdb::Framer();
  carry_.clear();
  transfer_ = psync::Transfer();
  snapshot_bytes_ = 0;
}

asio::awaitable<std::unique_ptr<psync::ReplicaLink>> SourceLink::open_again() {
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  for (milliseconds pause = pause_min;; pause = std::min(pause * 2, pause_max)) {
    co_await retry_pause_.sleep(pause);
    if (closed_) throw Closed("the link was closed");
    std::string trouble;
    try {
      psync::HandshakeOptions handshake;
      co_return co_await shake_hands(std::move(handshake));
    } catch (const ConnectionError& error) {
      trouble = error.what();
    }
    if (std::chrono::steady_clock::now() > deadline)
      throw UserError(fmt::format("the source {} did not come back within {}: {}",
                                  options_.source.label(), format_duration(options_.retry_for),
                                  trouble));
  }
}

// Keys that were read again belong to the lost copy as well, and so do its libraries; what the user
// has on the target besides stays.
asio::awaitable<void> SourceLink::remove_lost_copy() {
  if (copied_keys_ > 0) {
    const auto check = [this] { return require_only_copied_keys(); };
    if (options_.planner.only_link) co_await on_target("the count of its keys", check);
    spdlog::warn("{}: the {} keys that were copied are removed from the target",
                 options_.source.label(), format_count(copied_keys_));
    const auto work = [this] { return remove_owned(true); };
    co_await on_target("the removal of the copy that was lost", work);
    copied_keys_ = 0;
  }
  if (copied_libraries_.empty()) co_return;
  const std::set<std::string> elsewhere = co_await oracle_.libraries(options_.id);
  for (const std::string& name : elsewhere) copied_libraries_.erase(name);
  const auto work = [this] { return remove_libraries(copied_libraries_); };
  co_await on_target("FUNCTION DELETE", work);
  copied_libraries_.clear();
}

// It was empty when the task began: what is there beyond the copy was written by somebody else.
asio::awaitable<void> SourceLink::require_only_copied_keys() {
  uint64_t present = 0;
  for (size_t index = 0; index < target_.node_count(); ++index) {
    const ServerInfo info = co_await ask_target_info(target_.node(index).endpoint());
    for (const auto& [db, keys] : info.keys_by_db()) present += keys;
  }
  if (present <= copied_keys_) co_return;
  throw UserError(fmt::format(
      "{}: the link was lost during the full copy, and the target holds {} keys though only {} "
      "were copied: somebody else writes to it, so nothing is removed there for another copy. "
      "Empty it, or leave it to Lockstep, and run again",
      options_.source.label(), format_count(present), format_count(copied_keys_)));
}

}  // namespace lockstep::engine
