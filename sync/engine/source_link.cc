#include "sync/engine/source_link.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/engine/clock.h"

namespace lockstep::engine {

using std::chrono::milliseconds;

namespace {

constexpr size_t receive_bytes = 256 * 1024;
constexpr milliseconds ack_period{1000};
/// After a diskless snapshot, until the stream begins: the source waits for an acknowledgement that
/// reaches it after it has noticed that its child has ended.
constexpr milliseconds first_ack_period{20};
constexpr size_t arrivals_exact_max = 1024;
constexpr int64_t arrivals_merge_ms = 20;

LoaderOptions loader_options(const LinkOptions& options) {
  LoaderOptions result;
  result.expiry_grace = options.planner.expiry_grace;
  return result;
}

}  // namespace

const char* phase_name(LinkPhase phase) {
  switch (phase) {
    case LinkPhase::connecting:
      return "connecting";
    case LinkPhase::waiting:
      return "waiting for the snapshot";
    case LinkPhase::loading:
      return "loading";
    case LinkPhase::streaming:
      return "streaming";
    case LinkPhase::stopped:
      return "stopped";
  }
  return "?";
}

SourceLink::SourceLink(asio::any_io_executor executor, LinkOptions options, Target& target,
                       ScriptStore& scripts, OwnershipOracle& oracle)
    : executor_(executor),
      options_(std::move(options)),
      target_(target),
      scripts_(scripts),
      oracle_(oracle),
      spool_(options_.spool),
      spool_wake_(executor),
      copy_wake_(executor),
      stop_wake_(executor),
      unsupported_(options_.unsupported),
      loader_(target, options_.id, loader_options(options_), scripts, unsupported_),
      planner_(target, options_.id, options_.planner, fences_, scripts, unsupported_),
      aux_wake_(executor),
      closing_(executor),
      ack_pause_(executor),
      retry_pause_(executor) {}

asio::awaitable<void> SourceLink::open() {
  co_await learn_source();
  psync::HandshakeOptions handshake;
  link_ = co_await shake_hands(std::move(handshake));
  start_ = link_->start();
  received_ = parsed_ = start_.offset;
  phase_ = LinkPhase::waiting;
  target_.set_settle(options_.id,
                     [this](std::vector<FailedUnit> units) { return settle(std::move(units)); });
  spdlog::info("{}: full copy begins at replid {} offset {}", options_.source.label(),
               start_.replid.value, start_.offset.value);
}

asio::awaitable<void> SourceLink::learn_source() {
  co_await measure_clock();
  const ServerInfo info = co_await source_info();
  planner_.set_source(info);
  keys_total_ = 0;
  for (const auto& [db, keys] : info.keys_by_db()) keys_total_ += keys;
}

asio::awaitable<std::unique_ptr<psync::ReplicaLink>> SourceLink::shake_hands(
    psync::HandshakeOptions handshake) {
  handshake.connected = [this](std::function<void()> end) { end_handshake_ = std::move(end); };
  std::unique_ptr<psync::ReplicaLink> link;
  std::exception_ptr failure;
  try {
    link = co_await psync::ReplicaLink::open(options_.source, std::move(handshake));
  } catch (...) {
    failure = std::current_exception();
  }
  end_handshake_ = nullptr;
  if (closed_) throw Closed("the link was closed");
  if (failure) std::rethrow_exception(failure);
  co_return link;
}

asio::awaitable<void> SourceLink::run() {
  // The target too: what waits for room there would not hear of this link's failure.
  TaskGroup tasks(executor_, [this] {
    close();
    target_.close();
  });
  tasks.spawn(receive());
  tasks.spawn(consume());
  tasks.spawn(acknowledge());
  co_await tasks.join();
  phase_ = LinkPhase::stopped;
}

void SourceLink::close() {
  closed_ = true;
  if (link_) link_->close();
  if (end_handshake_) end_handshake_();
  if (aux_) aux_->close();
  spool_wake_.notify();
  copy_wake_.notify();
  stop_wake_.notify();
  aux_wake_.notify();
  closing_.notify();
  ack_pause_.wake_for_good();
  retry_pause_.wake_for_good();
}

asio::awaitable<void> SourceLink::receive() {
  std::string buffer(receive_bytes, '\0');
  while (!closed_) {
    std::string broken;
    try {
      const size_t n = co_await link_->read_some(asio::buffer(buffer));
      accept_bytes(Bytes(buffer.data(), n));
    } catch (const ConnectionError& error) {
      broken = error.what();
    }
    if (broken.empty() || closed_) continue;
    if (received_snapshot_) {
      co_await reconnect(std::move(broken));
    } else {
      co_await give_up_copy(std::move(broken));
    }
  }
}

void SourceLink::accept_bytes(Bytes data) {
  bytes_received_ += data.size();
  const bool carried = !carry_.empty();
  if (carried) carry_.append(data);
  Bytes input = carried ? Bytes(carry_) : data;
  while (!input.empty()) {
    const psync::Transfer::Piece piece = transfer_.next(input);
    if (piece.kind == psync::Transfer::Kind::snapshot) {
      snapshot_bytes_ += piece.data.size();
      spool_.append(piece.data);
    } else if (piece.kind == psync::Transfer::Kind::stream) {
      received_ = received_ + static_cast<int64_t>(piece.data.size());
      spool_.append(piece.data);
      note_arrival();
    } else if (piece.consumed == 0) {
      break;
    }
    input.remove_prefix(piece.consumed);
  }
  std::string rest(input);
  carry_ = std::move(rest);
  if (!received_snapshot_ && transfer_.snapshot_done()) {
    received_snapshot_ = true;
    closing_.notify();  // the first acknowledgement makes a diskless source begin the stream
  }
  spool_wake_.notify();
}

void SourceLink::note_arrival() {
  const int64_t now = clock_ms();
  if (!arrivals_.empty() && arrivals_.size() > arrivals_exact_max &&
      now - arrivals_.back().at_ms < arrivals_merge_ms) {
    arrivals_.back().offset = received_;
  } else {
    arrivals_.push_back({received_, now});
  }
  const Offset done = applied();
  while (!arrivals_.empty() && arrivals_.front().offset <= done) arrivals_.pop_front();
}

milliseconds SourceLink::delay() const {
  if (phase_ != LinkPhase::streaming) return milliseconds(0);
  const Offset done = applied();
  for (const Arrival& arrival : arrivals_) {
    if (arrival.offset > done)
      return milliseconds(std::max<int64_t>(0, clock_ms() - arrival.at_ms));
  }
  return milliseconds(0);
}

Offset SourceLink::applied() const {
  if (phase_ != LinkPhase::streaming) return start_.offset;
  return target_.applied(options_.id, planner_.settled());
}

asio::awaitable<void> SourceLink::reconnect(std::string reason) {
  spdlog::warn("{}: link lost at offset {}: {}; reconnecting", options_.source.label(),
               received_.value, reason);
  const auto deadline = std::chrono::steady_clock::now() + options_.retry_for;
  psync::HandshakeOptions handshake;
  handshake.resume = {start_.replid, received_};
  for (milliseconds pause{100}; !closed_; pause = std::min(pause * 2, milliseconds(5000))) {
    std::unique_ptr<psync::ReplicaLink> link;
    std::string trouble;
    try {
      link = co_await shake_hands(handshake);
    } catch (const ConnectionError& error) {
      trouble = error.what();
    }
    if (link) {
      if (link->start().kind != psync::SyncKind::partial_sync) {
        throw UserError(
            fmt::format("the source {} cannot continue from offset {} (its backlog has passed it, "
                        "or it is another "
                        "server now): run again with --existing overwrite for a new full copy, and "
                        "make repl-backlog-size larger",
                        options_.source.label(), received_.value));
      }
      ++reconnects_;
      start_.replid = link->start().replid;
      link_ = std::move(link);
      transfer_ = psync::Transfer(true);
      carry_.clear();
      spdlog::info("{}: partial resync from offset {}", options_.source.label(), received_.value);
      co_return;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw UserError(fmt::format("the source {} did not come back within {}: {}",
                                  options_.source.label(), format_duration(options_.retry_for),
                                  trouble));
    }
    co_await retry_pause_.sleep(pause);
  }
}

asio::awaitable<void> SourceLink::acknowledge() {
  while (!closed_) {
    if (received_snapshot_) co_await send_ack();
    if (received_snapshot_) {
      co_await ack_pause_.sleep(received_ == start_.offset ? first_ack_period : ack_period);
    } else {
      co_await closing_.wait();
    }
  }
}

// One at a time: a stream takes only one write at once.
asio::awaitable<void> SourceLink::send_ack() {
  if (std::exchange(acking_, true)) co_return;
  try {
    co_await link_->ack(applied());
  } catch (const ConnectionError&) {
    // receive() sees the same break and reconnects.
  }
  acking_ = false;
}

int64_t SourceLink::came_at_ms(Offset end) {
  if (came_.offset < end) {
    const auto found = std::lower_bound(
        arrivals_.begin(), arrivals_.end(), end,
        [](const Arrival& arrival, Offset offset) { return arrival.offset < offset; });
    came_ = found == arrivals_.end() ? Arrival{end, clock_ms()} : *found;
  }
  return came_.at_ms + clock_offset_ms_;
}

asio::awaitable<void> SourceLink::measure_clock() {
  std::vector<std::string> request{"TIME"};
  const int64_t before = clock_ms();
  const resp::Value reply = co_await ask_source(std::move(request));
  if (reply.items.size() != 2) co_return;  // a server that does not tell: taken to agree with ours
  const int64_t theirs =
      std::stoll(reply.items[0].text) * 1000 + std::stoll(reply.items[1].text) / 1000;
  clock_offset_ms_ = theirs - (before + clock_ms()) / 2;
}

}  // namespace lockstep::engine
