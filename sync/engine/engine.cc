#include "sync/engine/engine.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/engine/clock.h"

namespace lockstep::engine {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds stop_drain_bound{5000};
constexpr milliseconds watch_period{1000};

}  // namespace

Engine::Engine(asio::any_io_executor executor, SyncOptions options)
    : executor_(executor),
      options_(std::move(options)),
      started_ms_(clock_ms()),
      unsupported_list_(options_.unsupported == OnUnsupported::report ? options_.unsupported_list
                                                                      : std::string()),
      lease_(executor),
      wake_(executor),
      watch_pause_(executor) {}

asio::awaitable<void> Engine::run() {
  std::exception_ptr failure;
  try {
    co_await prepare();
    if (!stopping_) co_await follow();
  } catch (const std::exception& error) {
    failure = std::current_exception();
    error_ = error.what();
  }
  try {
    unsupported_list_.finish(unsupported());
  } catch (const UserError& error) {
    spdlog::error("{}", error.what());
  }
  close();
  if (failure && state_ != State::finished && !(stopping_ && closed_by_stop_)) {
    state_ = State::failed;
    std::rethrow_exception(failure);
  }
}

asio::awaitable<void> Engine::prepare() {
  unsupported_list_.require_place();
  std::vector<net::Endpoint> from;
  for (const std::string& url : options_.from) from.push_back(net::parse_endpoint(url));
  const Source source = co_await find_source(from, options_.from_topology);
  for (const std::string& url : options_.to) {
    pipelines_.push_back(std::make_unique<Pipeline>(executor_, options_, net::parse_endpoint(url)));
    co_await pipelines_.back()->prepare(source);
  }
  if (stopping_) co_return;
  for (auto& pipeline : pipelines_) co_await pipeline->open();
}

asio::awaitable<void> Engine::follow() {
  TaskGroup tasks(executor_, [this] { close(); });
  for (auto& pipeline : pipelines_) tasks.spawn(pipeline->run());
  tasks.spawn(watch_offsets());
  tasks.spawn(watch());
  co_await tasks.join();
}

asio::awaitable<void> Engine::await_streaming() {
  const auto streaming = [this] {
    return std::all_of(pipelines_.begin(), pipelines_.end(),
                       [](const auto& pipeline) { return pipeline->streaming(); });
  };
  while (!closed_ && !stopping_ && !streaming()) co_await pause_for(executor_, milliseconds(20));
}

// Drives the state: initialising → synchronising → (until caught up, finalize, stop) → end.
asio::awaitable<void> Engine::watch() {
  co_await await_streaming();
  if (!closed_ && !stopping_) {
    state_ = State::synchronising;
    spdlog::info("synchronising after {}", format_duration(milliseconds(clock_ms() - started_ms_)));
    if (options_.until == Until::caught_up) finalizing_ = true;
  }
  while (!closed_ && !stopping_ && state_ != State::finished) {
    if (finalizing_)
      co_await try_finalize();
    else
      co_await wake_.wait();
  }
  if (closed_) co_return;
  if (state_ == State::finished) {
    spdlog::info("finished after {}", format_duration(milliseconds(clock_ms() - started_ms_)));
  } else {
    for (auto& pipeline : pipelines_) co_await pipeline->drain(stop_drain_bound);
    closed_by_stop_ = true;
  }
  close();
}

asio::awaitable<void> Engine::try_finalize() {
  try {
    for (auto& pipeline : pipelines_) co_await pipeline->finalize();
    state_ = State::finished;
  } catch (const UserError& error) {
    if (closed_ || options_.until == Until::caught_up) throw;
    finalize_trouble_ = error.what();
    finalizing_ = false;
    spdlog::error("not finalized, following on: {}", finalize_trouble_);
  }
}

asio::awaitable<void> Engine::watch_offsets() {
  while (!closed_) {
    std::string trouble;
    try {
      for (auto& pipeline : pipelines_) co_await pipeline->refresh_source_offsets();
    } catch (const std::exception& error) {
      trouble =
          error.what();  // the link notices a lost source by itself; the next round asks again
    }
    co_await unsupported_list_.refresh(unsupported());
    co_await watch_pause_.sleep(watch_period);
  }
}

std::vector<UnsupportedList::Part> Engine::unsupported() const {
  std::vector<UnsupportedList::Part> parts;
  for (const auto& pipeline : pipelines_) {
    const auto more = pipeline->unsupported();
    parts.insert(parts.end(), more.begin(), more.end());
  }
  return parts;
}

void Engine::close() {
  closed_ = true;
  end_hold(false);
  for (auto& pipeline : pipelines_) pipeline->close();
  watch_pause_.wake_for_good();
  wake_.notify();
}

void Engine::stop(const std::string& why) {
  if (stopping_ || closed_) return;
  spdlog::info("stopping: {}", why);
  stopping_ = true;
  if (state_ == State::initialising) {
    closed_by_stop_ = true;
    close();
  }
  wake_.notify();
}

asio::awaitable<void> Engine::finalize() {
  end_hold(false);
  finalizing_ = true;
  finalize_trouble_.clear();
  wake_.notify();
  while (!closed_ && finalizing_ && state_ != State::finished)
    co_await pause_for(executor_, milliseconds(5));
  if (!finalize_trouble_.empty()) throw UserError(finalize_trouble_);
}

Status Engine::status() const {
  Status status;
  status.state = state_;
  status.error = state_ == State::failed ? error_ : std::string();
  status.uptime_ms = clock_ms() - started_ms_;
  status.memory_peak_bytes = memory_peak_bytes();
  report_hold(status);
  status.unsupported = options_.unsupported;
  if (options_.unsupported == OnUnsupported::report)
    status.unsupported_list = options_.unsupported_list;
  for (const auto& pipeline : pipelines_) pipeline->report(status);
  status.caught_up = state_ == State::finished || caught_up(status);
  return status;
}

bool Engine::caught_up(const Status& status) const {
  return state_ == State::synchronising &&
         std::all_of(status.links.begin(), status.links.end(), [](const LinkStatus& link) {
           return link.applied_offset >= link.received_offset &&
                  link.applied_offset >= link.source_offset;
         });
}

}  // namespace lockstep::engine
