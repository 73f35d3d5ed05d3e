#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "sync/net/stream.h"

namespace lockstep::net {

/// Calls `expire` once if it is not destroyed within `timeout`: the bound of a wait that is ended by closing what it waits on.
class Deadline {
 public:
  Deadline(asio::any_io_executor executor, milliseconds timeout, std::function<void()> expire)
      : timer_(executor, timeout), state_(std::make_shared<State>(State{std::move(expire)})) {
    timer_.async_wait([state = state_](boost::system::error_code error) {
      if (error || !state->expire) return;
      state->expired = true;
      state->expire();
    });
  }
  ~Deadline() { state_->expire = nullptr; }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  bool expired() const { return state_->expired; }

 private:
  struct State {
    std::function<void()> expire;
    bool expired = false;
  };
  asio::steady_timer timer_;
  std::shared_ptr<State> state_;
};

}  // namespace lockstep::net
