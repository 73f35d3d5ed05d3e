// The part of SourceLink that turns received bytes into requests: snapshot, then stream.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "sync/base/error.h"
#include "sync/engine/source_link.h"

namespace lockstep::engine {

namespace {

/// What must be in memory whole: a command of the stream. The servers' own bound for what a client
/// sends is less.
constexpr size_t one_item_bytes_max = 2ull << 30;

}  // namespace

asio::awaitable<void> SourceLink::consume() {
  for (bool whole = false; !whole;) {
    whole = co_await load_snapshot();
    if (!whole) co_await begin_copy_again();
  }
  loader_.flush();
  // A value that the target refuses is sent again in another form: not behind commands of the
  // stream on its key, which would bring an older value back.
  co_await target_.drain(options_.id);
  planner_.start(loader_.stream_db(), start_.offset);
  phase_ = LinkPhase::streaming;
  target_.progress().notify();
  spdlog::info("{}: full copy done: {} keys, {}", options_.source.label(),
               format_count(loader_.counters().keys), format_bytes(snapshot_bytes_));
  co_await apply_stream();
}

asio::awaitable<void> SourceLink::fill() {
  while (spool_.empty()) {
    if (closed_) throw Closed("the link was closed");
    if (stop_reached() || copy_lost_) co_return;
    co_await spool_wake_.wait();
  }
  work_.erase(0, std::exchange(work_read_, 0));
  if (work_.size() > one_item_bytes_max)
    throw FormatError(static_cast<uint64_t>(parsed_.value),
                      fmt::format("{} sent a command of more than {}", options_.source.label(),
                                  format_bytes(one_item_bytes_max)));
  spool_.take(work_);
}

asio::awaitable<bool> SourceLink::load_snapshot() {
  loader_.start(start_.offset);
  for (bool more = true; more;) {
    if (!target_.open_for_producers()) co_await target_.enter();
    const rdb::Event event = framer_.next(pending_bytes());
    if (std::holds_alternative<rdb::NeedMore>(event)) {
      loader_.flush();
      const size_t needed = framer_.needed();
      do {
        co_await fill();
        if (copy_lost_) co_return false;
      } while (pending_bytes().size() < needed);
      continue;
    }
    more = load_event(event);
    work_read_ += framer_.consumed();
  }
  co_return co_await await_snapshot_end();
}

asio::awaitable<bool> SourceLink::await_snapshot_end() {
  while (!received_snapshot_) {
    if (closed_) throw Closed("the link was closed");
    if (copy_lost_) co_return false;
    co_await spool_wake_.wait();
  }
  if (framer_.offset() != snapshot_bytes_) {
    throw FormatError(framer_.offset(),
                      fmt::format("{} sent {} bytes behind the end of its snapshot",
                                  options_.source.label(), snapshot_bytes_ - framer_.offset()));
  }
  co_return true;
}

bool SourceLink::load_event(const rdb::Event& event) {
  if (phase_ == LinkPhase::waiting) phase_ = LinkPhase::loading;
  if (const auto* entry = std::get_if<rdb::Entry>(&event)) {
    loader_.on_entry(*entry);
  } else if (const auto* begin = std::get_if<rdb::BigBegin>(&event)) {
    loader_.on_big_begin(begin->entry);
  } else if (const auto* part = std::get_if<rdb::BigPart>(&event)) {
    loader_.on_big_part(*part);
  } else if (std::holds_alternative<rdb::BigEnd>(event)) {
    loader_.on_big_end();
  } else if (const auto* aux = std::get_if<rdb::Aux>(&event)) {
    loader_.on_aux(aux->name, aux->value);
  } else if (const auto* function = std::get_if<rdb::Function>(&event)) {
    loader_.on_function(function->code);
  } else if (const auto* module = std::get_if<rdb::ModuleAux>(&event)) {
    spdlog::warn("{}: data of the module {} that belongs to no key is not copied",
                 options_.source.label(), printable(module->module));
  }
  return !std::holds_alternative<rdb::End>(event);
}

asio::awaitable<void> SourceLink::apply_stream() {
  while (!closed_) {
    co_await apply_available();
    if (fences_.has_pending()) co_await fence_pending();
    // What needs no request of the target (PING, SELECT) moves the applied offset without a reply.
    target_.progress().notify();
    if (planner_.take_ack_wanted()) co_await send_ack();
    if (stop_reached()) {
      co_await stand();
    } else {
      co_await fill();
    }
  }
}

asio::awaitable<void> SourceLink::apply_available() {
  while (!bytes_to_plan().empty()) {
    if (!target_.open_for_producers()) co_await target_.enter();
    if (const size_t taken = apply_plain_sets()) {
      work_read_ += taken;
      parsed_ = parsed_ + static_cast<int64_t>(taken);
      continue;
    }
    const auto length = parser_.parse(bytes_to_plan());
    if (!length) break;
    const Bytes raw = bytes_to_plan().substr(0, *length);
    const Offset end = parsed_ + static_cast<int64_t>(*length);
    const StreamPlanner::Step step = planner_.plan(parser_.args(), raw, end, came_at_ms(end));
    if (step == StreamPlanner::Step::fence_first) {
      co_await fence_pending();
      parser_ = resp::CommandParser();
      continue;  // the same command again
    }
    if (step != StreamPlanner::Step::done) co_await apply_step(step, parser_.args(), end);
    work_read_ += *length;
    parsed_ = end;
  }
}

size_t SourceLink::apply_plain_sets() {
  return parser_.in_command() ? 0 : planner_.plan_plain_sets(bytes_to_plan(), parsed_);
}

asio::awaitable<void> SourceLink::apply_step(StreamPlanner::Step step, std::vector<Bytes> args,
                                             Offset end) {
  switch (step) {
    case StreamPlanner::Step::flush:
      co_await flush(args);
      break;
    case StreamPlanner::Step::swap:
      co_await swap_databases(args);
      break;
    case StreamPlanner::Step::flush_owned:
      co_await flush_owned(args);
      break;
    case StreamPlanner::Step::function_gone:
      co_await remove_functions();
      break;
    case StreamPlanner::Step::load_functions:
      co_await load_functions();
      break;
    case StreamPlanner::Step::ask_keys:
      co_await fence_unknown(args);
      break;
    case StreamPlanner::Step::exploded:
      co_await apply_exploded(end);
      break;
    case StreamPlanner::Step::done:
    case StreamPlanner::Step::fence_first:
      break;
  }
  planner_.step_done();
}

asio::awaitable<void> SourceLink::apply_exploded(Offset end) {
  const std::string requests = planner_.take_exploded();
  const int64_t came = came_at_ms(end);
  resp::CommandParser parser;
  Bytes rest = requests;
  while (!rest.empty()) {
    if (!target_.open_for_producers()) co_await target_.enter();
    const auto length = parser.parse(rest);
    LOCKSTEP_ASSERT(length.has_value());
    const StreamPlanner::Step step =
        planner_.plan(parser.args(), rest.substr(0, *length), end, came);
    if (step == StreamPlanner::Step::fence_first) {
      co_await fence_pending();
      parser = resp::CommandParser();
      continue;
    }
    LOCKSTEP_ASSERT(step != StreamPlanner::Step::exploded);
    if (step != StreamPlanner::Step::done) co_await apply_step(step, parser.args(), end);
    rest.remove_prefix(*length);
  }
  planner_.end_exploded();
}

}  // namespace lockstep::engine
