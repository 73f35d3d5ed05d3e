#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace lockstep::net {

/// Calls `on_expire` once if it is not touched for `limit` and not destroyed before. Meant to close
/// what a coroutine waits for, whose operation then fails; expired() tells why. This is one timer
/// and no second coroutine, and unlike `operation || timer` it ends at once when the operation
/// fails.
class Deadline {
 public:
  Deadline(boost::asio::any_io_executor executor, std::chrono::milliseconds limit,
           std::function<void()> on_expire);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

  /// Something happened, or the wait begins: the limit counts from now.
  void touch();
  /// Nothing is waited for until the next touch().
  void pause();
  /// For good: from now on nothing is pending, so an io_context may run out of work.
  void stop();
  bool expired() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lockstep::net
