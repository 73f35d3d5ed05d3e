// The part of SourceLink that makes another full copy when the link is lost during one. A source
// ends the link itself when it is emptied (FLUSHALL) while its snapshot is under way.
//
//     receive(): give_up_copy() waits            consumer: load_snapshot() gives up at copy_lost_,
//                     ⇐ copy_wake_ ⇐             begin_copy_again() removes, connects, goes on

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
    return copies_lost_ < empty_copies_lost_max
               ? ""
               : fmt::format("that was try {}; run again", copies_lost_);
  if (!options_.target_was_empty)
    return "what of it the target has by now cannot be told from what it had before; run again "
           "with "
           "--existing overwrite";
  return copies_lost_ < copies_lost_max
             ? ""
             : fmt::format(
                   "that was try {}; run again with an empty target, or with "
                   "--existing overwrite",
                   copies_lost_);
}

asio::awaitable<void> SourceLink::give_up_copy(std::string reason) {
  ++copies_lost_;
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

asio::awaitable<void> SourceLink::begin_copy_again() {
  co_await remove_lost_copy();
  auto link = co_await open_again();
  spool_.clear();
  work_.clear();
  work_read_ = 0;
  framer_ = rdb::Framer();
  carry_.clear();
  transfer_ = psync::Transfer();
  snapshot_bytes_ = 0;
  start_ = link->start();
  received_ = parsed_ = start_.offset;
  link_ = std::move(link);
  phase_ = LinkPhase::waiting;
  copy_lost_ = false;
  copy_wake_.notify();
  spdlog::info("{}: full copy begins again at replid {} offset {}", options_.source.label(),
               start_.replid.value, start_.offset.value);
}

// Before the source is asked for another copy, which holds whatever is written from then on. Keys
// that were read again belong to the lost copy as well.
asio::awaitable<void> SourceLink::remove_lost_copy() {
  co_await target_.drain(options_.id);
  const bool written = snapshot_bytes_ > 0;
  loader_.forget();
  unsupported_.clear();
  fences_ = FenceBook();
  if (!written) co_return;
  const auto work = [this] { return remove_owned(true); };
  co_await on_target("the removal of the copy that was lost", work);
  if (target_.abilities().functions()) co_await remove_functions();
}

asio::awaitable<std::unique_ptr<psync::ReplicaLink>> SourceLink::open_again() {
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  for (milliseconds pause = pause_min;; pause = std::min(pause * 2, pause_max)) {
    co_await pause_for(executor_, pause);
    if (closed_) throw Closed("the link was closed");
    std::string trouble;
    try {
      psync::HandshakeOptions handshake;
      co_return co_await psync::ReplicaLink::open(options_.source, handshake);
    } catch (const ConnectionError& error) {
      trouble = error.what();
    }
    if (std::chrono::steady_clock::now() > deadline)
      throw UserError(fmt::format("the source {} did not come back within {}: {}",
                                  options_.source.label(), format_duration(options_.retry_for),
                                  trouble));
  }
}

}  // namespace lockstep::engine
