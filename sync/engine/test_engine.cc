#include "sync/engine/test_engine.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <sstream>

#include "fixtures/poll_until.h"
#include "fixtures/run.h"
#include "sync/base/error.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

using std::chrono::seconds;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> result;
  for (std::string word; in >> word;) {
    std::replace(word.begin(), word.end(), '~', ' ');
    std::replace(word.begin(), word.end(), '^', '\n');
    result.push_back(word);
  }
  return result;
}

asio::awaitable<resp::Value> say(net::Endpoint server, std::string request) {
  const auto client = co_await net::Client::connect(std::move(server));
  std::vector<std::string> args = words(request);
  co_return co_await client->command(std::move(args));
}

asio::awaitable<void> say_together(net::Endpoint server, std::string requests) {
  const auto client = co_await net::Client::connect(std::move(server));
  std::istringstream in(requests);
  std::string encoded;
  size_t count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const std::vector<std::string> owned = words(line);
    const std::vector<Bytes> args(owned.begin(), owned.end());
    resp::append_command(encoded, args);
  }
  const auto replies = co_await client->pipeline(std::move(encoded), count);
  for (const resp::Value& reply : replies) {
    if (reply.is_error()) throw UserError(requests + ": " + reply.text);
  }
}

asio::awaitable<std::unique_ptr<net::Client>> make_busy(net::Endpoint server) {
  auto script = co_await net::Client::connect(server);
  std::string endless = "*3\r\n$4\r\nEVAL\r\n$17\r\nwhile true do end\r\n$1\r\n0\r\n";
  const asio::const_buffer buffer = asio::buffer(endless);
  co_await script->stream().write(std::span(&buffer, 1));
  co_await fixtures::poll_until(seconds(20), "a busy server",
                                [&]() -> asio::awaitable<std::string> {
                                  const auto reply = co_await say(server, "PING");
                                  co_return reply.error_code() == "BUSY" ? "" : reply.text;
                                });
  co_return script;
}

asio::awaitable<std::string> digest(net::Endpoint server) {
  const auto client = co_await net::Client::connect(std::move(server));
  std::vector<std::string> data = words("DEBUG DIGEST"),
                           functions = words("FUNCTION LIST WITHCODE");
  std::string result = (co_await client->command_or_throw(std::move(data))).text;
  const resp::Value libraries = co_await client->command(std::move(functions));
  for (const resp::Value& library : libraries.items) {
    for (const resp::Value& field : library.items) result += " " + field.text;
  }
  co_return result;
}

RunningEngine::RunningEngine(asio::any_io_executor executor, SyncOptions options)
    : engine_(executor, std::move(options)) {
  asio::co_spawn(executor, engine_.run(), [this](std::exception_ptr error) {
    ended_ = true;
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& what) {
      failure_ = what.what();
    }
  });
}

asio::awaitable<void> RunningEngine::await_streaming() {
  co_await fixtures::poll_until(
      seconds(30), "the stream", [this]() -> asio::awaitable<std::string> {
        if (ended_) throw UserError("the engine ended: " + failure_);
        co_return engine_.status().state == State::synchronising ? "" : "not yet";
      });
}

asio::awaitable<void> RunningEngine::await_applied(net::Endpoint source) {
  const resp::Value info = co_await say(std::move(source), "INFO");
  const Offset offset = parse_info(info.text).master_repl_offset;
  co_await fixtures::poll_until(
      seconds(30), "the end of the stream", [&]() -> asio::awaitable<std::string> {
        if (ended_) throw UserError("the engine ended: " + failure_);
        const Status status = engine_.status();
        co_return status.links.front().applied_offset >= offset ? ""
                                                                : "behind; " + status.last_failure;
      });
}

asio::awaitable<std::string> RunningEngine::await_end() {
  co_await fixtures::poll_until(
      seconds(30), "the engine's end",
      [this]() -> asio::awaitable<std::string> { co_return ended_ ? "" : "still running"; });
  co_return failure_;
}

asio::awaitable<std::string> RunningEngine::stop() {
  engine_.stop("the test is over");
  co_return co_await await_end();
}

asio::awaitable<std::unique_ptr<fixtures::Deployment>> Servers::start(std::string name,
                                                                      size_t primaries,
                                                                      std::string config) {
  return start_version(fixtures::default_server(), std::move(name), primaries, 0,
                       std::move(config));
}

asio::awaitable<std::unique_ptr<fixtures::Deployment>> Servers::start_version(
    fixtures::ServerSpec spec, std::string name, size_t primaries, size_t replicas,
    std::string config) {
  fixtures::DeploymentOptions options;
  options.name = name;
  options.primaries = primaries;
  options.replicas = replicas;
  if (primaries > 1) options.topology = fixtures::Topology::cluster;
  options.spec = spec;
  std::istringstream in(config);
  for (std::string line; std::getline(in, line);)
    options.config[line.substr(0, line.find(' '))] = line.substr(line.find(' ') + 1);
  co_return co_await fixtures::Deployment::start(co_await asio::this_coro::executor, addresses_,
                                                 directory_.path(), options);
}

void EngineTest::run(asio::awaitable<void> body) { fixtures::run(end_behind(std::move(body))); }

asio::awaitable<void> EngineTest::end_behind(asio::awaitable<void> body) {
  std::string failure;
  try {
    co_await std::move(body);
  } catch (const std::exception& error) {
    failure = error.what();
  }
  EXPECT_EQ(failure, "");
  clean_up();
  if (running_ && !running_->ended()) co_await running_->stop();
  running_.reset();
  target_.reset();
  source_.reset();
}

SyncOptions options_for(const std::string& from, const std::string& to) {
  SyncOptions options;
  options.from = {from};
  options.to = {to};
  options.retry_for = seconds(20);
  options.quiet = true;
  return options;
}

}  // namespace lockstep::engine
