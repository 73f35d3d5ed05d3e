// The driver of the engine, with a program in the engine's place whose control this test answers.

#include "scenarios/lockstep_driver.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "fixtures/address_plan.h"
#include "fixtures/join_all.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {
namespace {

namespace fs = std::filesystem;
using asio::ip::tcp;
using std::chrono::milliseconds;

/// The control of an engine: nobody answers until answer_next().
class Control {
 public:
  explicit Control(const asio::any_io_executor& executor) : acceptor_(executor) {
    acceptor_.open(tcp::v4());
    acceptor_.bind({asio::ip::make_address("127.0.0.1"), 0});
  }
  uint16_t port() const { return acceptor_.local_endpoint().port(); }

  /// One request; the connection ends without an answer if `status` is empty.
  asio::awaitable<void> answer_next(std::string status) {
    acceptor_.listen();
    tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    std::string request;
    co_await asio::async_read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n",
                                    asio::use_awaitable);
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(status.size()) +
        "\r\nConnection: close\r\n\r\n" + status;
    if (!status.empty())
      co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
  }

 private:
  tcp::acceptor acceptor_;
};

/// The engine ends with the status that is written to its pipe.
class lockstep_driver : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::getenv("LOCKSTEP_BINARY");
    ASSERT_EQ(mkfifo(pipe().c_str(), 0600), 0);
    fixtures::write_text(program(), "#!/bin/sh\nread status <" + pipe().string() +
                                        "\necho its last words\nexit $status\n");
    fs::permissions(program(), fs::perms::owner_all);
    setenv("LOCKSTEP_BINARY", program().c_str(), 1);
  }
  void TearDown() override { setenv("LOCKSTEP_BINARY", before_.c_str(), 1); }

  fs::path pipe() const { return directory_.path() / "pipe"; }
  fs::path program() const { return directory_.path() / "engine"; }
  void end_engine(const char* status) const { std::ofstream(pipe()) << status << "\n"; }

  asio::awaitable<std::unique_ptr<fixtures::Deployment>> start_server() {
    fixtures::DeploymentOptions options;
    options.name = "n";
    options.spec = fixtures::default_server();
    const auto executor = co_await asio::this_coro::executor;
    co_return co_await fixtures::Deployment::start(executor, addresses_,
                                                   directory_.path() / "nodes", options);
  }

  DriverContext context(fixtures::Deployment& server, uint16_t port) const {
    DriverContext context;
    context.from = &server;
    context.to = {&server};
    context.directory = directory_.path();
    context.name = "sync-1";
    context.control_address = "127.0.0.1";
    context.control_port = port;
    return context;
  }

  /// The first question is refused: nobody listens yet.
  static asio::awaitable<void> start(LockstepDriver& driver, Control& control) {
    std::vector<asio::awaitable<void>> parts;
    parts.push_back(driver.start());
    parts.push_back(control.answer_next("{\"links\":[{}]}"));
    co_await fixtures::join_all(std::move(parts));
  }

  asio::awaitable<void> lose_answer(Control& control, const char* status) const {
    end_engine(status);
    co_await control.answer_next("");
  }

  /// What is thrown by finish() if its answer is lost and the engine ends with `status`.
  asio::awaitable<std::string> finish_without_answer(const char* status) {
    const auto executor = co_await asio::this_coro::executor;
    const auto server = co_await start_server();
    Control control(executor);
    LockstepDriver driver(executor, context(*server, control.port()));
    co_await start(driver, control);
    std::vector<asio::awaitable<void>> parts;
    parts.push_back(driver.finish(std::chrono::seconds(20)));
    parts.push_back(lose_answer(control, status));
    try {
      co_await fixtures::join_all(std::move(parts));
    } catch (const UserError& error) {
      co_return error.what();
    }
    co_return "";
  }

  asio::awaitable<milliseconds> fastest_start() {
    const auto executor = co_await asio::this_coro::executor;
    const auto server = co_await start_server();
    auto fastest = milliseconds::max();
    for (int i = 0; i < 5; ++i) {
      Control control(executor);
      LockstepDriver driver(executor, context(*server, control.port()));
      const auto begin = std::chrono::steady_clock::now();
      co_await start(driver, control);
      fastest = std::min(fastest, std::chrono::duration_cast<milliseconds>(
                                      std::chrono::steady_clock::now() - begin));
    }
    co_return fastest;
  }

  std::string before_;
  fixtures::TemporaryDirectory directory_;
  fixtures::AddressPlan addresses_;
};

TEST_F(lockstep_driver, a_run_that_ended_well_is_one_though_its_answer_was_lost) {
  EXPECT_EQ(fixtures::run(finish_without_answer("0")), "");
}

TEST_F(lockstep_driver, one_that_ended_otherwise_tells_its_last_words) {
  const std::string message = fixtures::run(finish_without_answer("3"));
  EXPECT_NE(message.find("the engine ended: its last words"), std::string::npos) << message;
}

/// A refused first question is no reason to wait for the end of the engine: it has just begun.
TEST_F(lockstep_driver, starts_as_soon_as_the_engine_answers) {
  EXPECT_LT(fixtures::run(fastest_start()), milliseconds(400));
}

}  // namespace
}  // namespace lockstep::scenarios
