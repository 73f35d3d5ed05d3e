// The control endpoint, asked as curl would.

#include "sync/engine/control.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "fixtures/poll_until.h"
#include "sync/engine/test_engine.h"

namespace lockstep::engine {
namespace {

using std::chrono::seconds;

constexpr uint16_t port = 9121;

/// "GET /status": the whole answer.
asio::awaitable<std::string> http(std::string address, std::string request) {
  asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address), port);
  co_await socket.async_connect(endpoint, asio::use_awaitable);
  request += " HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
  co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
  std::string answer;
  boost::system::error_code end;
  co_await asio::async_read(socket, asio::dynamic_buffer(answer),
                            asio::redirect_error(asio::use_awaitable, end));
  co_return answer;
}

void expect_text(const std::string& answer, const std::string& text) {
  EXPECT_NE(answer.find(text), std::string::npos) << text << " is not in " << answer;
}

class control : public EngineTest {
 protected:
  asio::awaitable<void> start() {
    source_ = co_await servers_.start("source", 1, "");
    target_ = co_await servers_.start("target", 1, "");
    address_ = servers_.next_address();
    running_ = std::make_unique<RunningEngine>(
        co_await asio::this_coro::executor,
        options_for(source_->urls().front(), target_->urls().front()));
    control_ = std::make_unique<Control>(co_await asio::this_coro::executor,
                                         address_ + ":" + std::to_string(port), running_->engine());
    co_await running_->await_streaming();
  }
  asio::awaitable<std::string> ask(std::string request) {
    return http(address_, std::move(request));
  }
  asio::awaitable<int64_t> keys_of_target() {
    co_return (co_await say(target_->client_endpoint(), "DBSIZE")).integer;
  }
  void clean_up() override { control_.reset(); }

  std::string address_;
  std::unique_ptr<Control> control_;
};

TEST_F(control, tells_the_state) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start();
    const std::string status = co_await ask("GET /status"), metrics = co_await ask("GET /metrics");
    expect_text(status, "200 OK");
    expect_text(status, "\"state\": \"synchronising\"");
    expect_text(status, source_->client_endpoint().label());
    expect_text(metrics, "lockstep_state{state=\"synchronising\"} 1\n");
    expect_text(metrics, "lockstep_applied_offset{source=\"");
    expect_text(co_await ask("GET /nothing"), "404");
    expect_text(co_await ask("POST /nothing"), "404");
    expect_text(co_await ask("PUT /status"), "405");
    expect_text(co_await ask("POST /hold?lease=0"), "1 to 3600000 ms");
    expect_text(co_await ask("POST /hold?lease=9223372036854775808"), "1 to 3600000 ms");
  };
  run(body());
}

TEST_F(control, holds_and_releases) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start();
    expect_text(co_await ask("POST /hold"), "\"held\": true");
    const Offset before = running_->engine().status().links.front().received_offset;
    co_await say(source_->client_endpoint(), "SET a 1");
    co_await fixtures::poll_until(
        seconds(10), "the arrival", [&]() -> asio::awaitable<std::string> {
          const LinkStatus link = running_->engine().status().links.front();
          co_return link.received_offset >= before + 23 ? "" : "nothing";
        });
    EXPECT_EQ(co_await keys_of_target(), 0);
    expect_text(co_await ask("GET /status"), "\"caught_up\": false");
    expect_text(co_await ask("POST /release"), "\"held\": false");
    co_await running_->await_applied(source_->client_endpoint());
    EXPECT_EQ(co_await keys_of_target(), 1);
  };
  run(body());
}

TEST_F(control, finalizes_with_exact_expiries) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start();
    co_await say_together(source_->client_endpoint(), "SET a 1\nPEXPIREAT a 4102444800000");
    expect_text(co_await ask("POST /finalize"), "\"state\": \"finished\"");
    EXPECT_EQ(co_await running_->await_end(), "");
    EXPECT_EQ((co_await say(target_->client_endpoint(), "PEXPIRETIME a")).integer, 4102444800000);
  };
  run(body());
}

TEST_F(control, stops) {
  const auto body = [this]() -> asio::awaitable<void> {
    co_await start();
    expect_text(co_await ask("POST /stop"), "200 OK");
    EXPECT_EQ(co_await running_->await_end(), "");
  };
  run(body());
}

}  // namespace
}  // namespace lockstep::engine
