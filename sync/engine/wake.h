#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace lockstep::engine {

namespace asio = boost::asio;

/// A condition that coroutines of one thread wait for: `while (!ready) co_await wake.wait();`.
/// notify() resumes all that wait; nothing is remembered when nobody does.
class Wake {
 public:
  explicit Wake(asio::any_io_executor executor) : timer_(executor) {
    timer_.expires_at(asio::steady_timer::time_point::max());
  }
  asio::awaitable<void> wait() {
    ++waiting_;
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    --waiting_;
  }
  void notify() {
    if (waiting_ > 0) timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  int waiting_ = 0;
};

/// A pause that somebody may end early.
class Sleeper {
 public:
  explicit Sleeper(asio::any_io_executor executor) : timer_(executor) {}
  asio::awaitable<void> sleep(std::chrono::milliseconds duration) {
    if (woken_) co_return;
    timer_.expires_after(duration);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  /// Ends this pause and all later ones.
  void wake_for_good() {
    woken_ = true;
    timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  bool woken_ = false;
};

/// Waits for a duration.
inline asio::awaitable<void> pause_for(asio::any_io_executor executor,
                                       std::chrono::milliseconds duration) {
  asio::steady_timer timer(executor, duration);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace lockstep::engine
