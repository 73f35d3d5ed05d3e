// The part of Engine that lets somebody look at the targets at an exact position.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "sync/base/error.h"
#include "sync/engine/engine.h"

namespace lockstep::engine {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

milliseconds between(steady_clock::time_point begin, steady_clock::time_point end) {
  return std::chrono::duration_cast<milliseconds>(end - begin);
}

}  // namespace

// All stand before the first is waited for: whatever ends the hold meanwhile ends all of it.
asio::awaitable<void> Engine::hold() {
  for (auto& pipeline : pipelines_) pipeline->begin_hold();
  for (auto& pipeline : pipelines_) co_await pipeline->await_held();
}

void Engine::begin_lease(milliseconds lease) {
  const uint64_t id = hold_.id = ++last_hold_;
  ++hold_.count;
  held_since_ = steady_clock::now();
  lease_.expires_after(lease);
  lease_.async_wait([this, id](boost::system::error_code error) {
    if (!error && hold_.id == id) end_hold(true);
  });
}

asio::awaitable<uint64_t> Engine::hold_for(milliseconds lease) {
  const bool streaming = std::all_of(pipelines_.begin(), pipelines_.end(),
                                     [](const auto& pipeline) { return pipeline->streaming(); });
  if (closed_ || pipelines_.empty() || !streaming)
    throw UserError("the engine can be held at a position only when its full copy is done");
  if (hold_.id != 0 || status().held) throw UserError("the engine is held already");
  begin_lease(lease);
  const uint64_t id = hold_.id;
  co_await hold();
  require_hold(id);
  co_return id;
}

void Engine::end_hold(bool expired) {
  lease_.cancel();
  if (std::exchange(hold_.id, 0) != 0) {
    const milliseconds length = between(held_since_, steady_clock::now());
    hold_.longest_ms = std::max<int64_t>(hold_.longest_ms, length.count());
    hold_.expired += expired ? 1 : 0;
    if (expired) spdlog::warn("held for {} and not released: going on", format_duration(length));
  }
  for (auto& pipeline : pipelines_) pipeline->release();
}

void Engine::require_hold(uint64_t id) const {
  if (id != 0 && hold_.id == id) return;
  throw UserError("the hold has ended: it was released, or its lease is over");
}

asio::awaitable<void> Engine::advance(uint64_t id, std::map<std::string, Offset> positions) {
  require_hold(id);
  require_known(positions);
  for (auto& pipeline : pipelines_) {
    std::vector<std::optional<Offset>> offsets;
    for (const auto& link : pipeline->links()) {
      const auto found = positions.find(link->replid());
      offsets.push_back(found == positions.end() ? std::nullopt : std::optional(found->second));
    }
    co_await pipeline->advance(std::move(offsets));
    require_hold(id);
  }
}

void Engine::require_known(const std::map<std::string, Offset>& positions) const {
  std::set<std::string> known;
  for (const auto& pipeline : pipelines_) {
    for (const auto& link : pipeline->links()) known.insert(link->replid());
  }
  for (const auto& [replid, offset] : positions) {
    if (known.count(replid) > 0) continue;
    throw UserError(
        fmt::format("no link follows the replid {}: the source has failed over, or it "
                    "is not a source of this engine",
                    replid));
  }
}

void Engine::release() { end_hold(false); }

void Engine::release(uint64_t id) {
  require_hold(id);
  end_hold(false);
}

void Engine::report_hold(Status& status) const {
  status.expiry = options_.expiry;
  if (options_.expiry == ExpiryMode::replica)
    status.expiry_grace_ms = options_.expiry_grace.count();
  status.hold = hold_;
  if (hold_.id == 0) return;
  const milliseconds left = between(steady_clock::now(), lease_.expiry());
  status.hold.lease_left_ms = std::max<int64_t>(0, left.count());
}

}  // namespace lockstep::engine
