#include "sync/net/deadline.h"

#include <boost/asio/steady_timer.hpp>

namespace lockstep::net {

using Clock = std::chrono::steady_clock;

struct Deadline::State {
  boost::asio::steady_timer timer;
  std::chrono::milliseconds limit;
  std::function<void()> on_expire;
  Clock::time_point at;
  bool expired = false;
  bool armed = false;
};

namespace {

constexpr Clock::time_point never = Clock::time_point::max();

/// Touching only moves `at`; the timer finds out when it fires, and is set again.
template <class State>
void wait(std::shared_ptr<State> state) {
  state->armed = true;
  state->timer.expires_at(state->at);
  state->timer.async_wait([state](boost::system::error_code error) {
    state->armed = false;
    if (error || !state->on_expire || state->at == never) return;
    if (Clock::now() < state->at) return wait(state);
    state->expired = true;
    const auto call = std::move(state->on_expire);  // which may stop or destroy this deadline
    state->on_expire = nullptr;
    call();
  });
}

}  // namespace

Deadline::Deadline(boost::asio::any_io_executor executor, std::chrono::milliseconds limit,
                   std::function<void()> on_expire)
    : state_(std::make_shared<State>(State{boost::asio::steady_timer(std::move(executor)), limit,
                                           std::move(on_expire), Clock::now() + limit})) {
  wait(state_);
}

Deadline::~Deadline() { stop(); }

void Deadline::stop() {
  state_->on_expire = nullptr;
  state_->timer.cancel();
}

void Deadline::touch() {
  state_->at = Clock::now() + state_->limit;
  if (!state_->armed && state_->on_expire) wait(state_);
}

void Deadline::pause() { state_->at = never; }

bool Deadline::expired() const { return state_->expired; }

}  // namespace lockstep::net
