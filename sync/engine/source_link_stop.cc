// The part of SourceLink that stands still at an exact offset, so that the target can be looked at
// there.

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/engine/source_link.h"

namespace lockstep::engine {

void SourceLink::stop_at(std::optional<Offset> offset) {
  stop_exactly_ = offset.has_value();
  stop_ = offset.value_or(parsed_);
  standing_ = false;
  spool_wake_.notify();
  stop_wake_.notify();
}

void SourceLink::go_on() {
  stop_.reset();
  standing_ = false;
  stop_wake_.notify();
}

Bytes SourceLink::bytes_to_plan() const {
  const Bytes pending = pending_bytes();
  if (!stop_) return pending;
  const int64_t left = std::max<int64_t>(0, stop_->value - parsed_.value);
  return pending.substr(0, static_cast<size_t>(left));
}

/// All bytes before the stop are here; what is left of them when they have been planned is the
/// beginning of a command that ends behind it.
bool SourceLink::stop_reached() const {
  return stop_ && parsed_ + static_cast<int64_t>(pending_bytes().size()) >= *stop_;
}

asio::awaitable<void> SourceLink::stand() {
  standing_ = true;
  target_.progress().notify();
  while (!closed_ && standing_) co_await stop_wake_.wait();
}

std::string SourceLink::stop_problem() const {
  if (!stop_ || !stop_exactly_) return {};
  const auto problem = [&](const char* what) {
    return fmt::format("{}: offset {} {}", options_.source.label(), stop_->value, what);
  };
  if (parsed_ > *stop_) return problem("is passed already");
  if (parsed_ < *stop_) return problem("is inside a command");
  if (planner_.in_transaction()) return problem("is inside a transaction");
  return {};
}

}  // namespace lockstep::engine
