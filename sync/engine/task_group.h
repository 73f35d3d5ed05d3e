#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <functional>

#include "sync/base/error.h"
#include "sync/engine/wake.h"

namespace lockstep::engine {

/// Thrown by what cannot go on because something else was closed: the cause is told elsewhere.
class Closed : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

/// Sibling coroutines that end together: the first that fails makes the group call `on_failure`,
/// which must make the others end; join() returns when all have, and rethrows the first failure
/// that is not just Closed.
class TaskGroup {
 public:
  TaskGroup(asio::any_io_executor executor, std::function<void()> on_failure)
      : executor_(executor), done_(executor), on_failure_(std::move(on_failure)) {}

  void spawn(asio::awaitable<void> task) {
    ++running_;
    asio::co_spawn(executor_, std::move(task), [this](std::exception_ptr error) { ended(error); });
  }
  asio::awaitable<void> join() {
    while (running_ > 0) co_await done_.wait();
    if (failure_) std::rethrow_exception(failure_);
  }
  bool failed() const { return failure_ != nullptr; }

 private:
  void ended(std::exception_ptr error) {
    --running_;
    const bool first = error && !failure_;
    if (first || (error && is_closed(failure_))) failure_ = error;
    if (first) on_failure_();
    done_.notify();
  }
  static bool is_closed(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const Closed&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  asio::any_io_executor executor_;
  Wake done_;
  std::function<void()> on_failure_;
  std::exception_ptr failure_;
  int running_ = 0;
};

}  // namespace lockstep::engine
