#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <functional>

#include "sync/engine/wake.h"

namespace lockstep::engine {

/// Sibling coroutines that end together: the first that fails makes the group call `on_failure`,
/// which must make the others end; join() returns when all have, and rethrows the first failure.
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
    if (error && !failure_) {
      failure_ = error;
      on_failure_();
    }
    done_.notify();
  }

  asio::any_io_executor executor_;
  Wake done_;
  std::function<void()> on_failure_;
  std::exception_ptr failure_;
  int running_ = 0;
};

}  // namespace lockstep::engine
