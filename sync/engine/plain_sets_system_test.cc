// Runs of SETs reach the target as MSETs, each key with its last value, whatever happens to the
// connection on the way.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/child.h"
#include "fixtures/deployment.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "sync/net/client.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {
namespace {

namespace asio = boost::asio;
using fixtures::Deployment;
using Words = std::vector<std::string>;

constexpr int rounds = 40;
constexpr int commands_per_round = 500;

/// SETs on few keys, and now and then what a SET must not pass: a counter, an expiry, a database.
std::string load(int round) {
  std::string requests;
  for (int i = 0; i < commands_per_round; ++i) {
    const std::string key = "key:" + std::to_string((i * 7 + round) % 50);
    if (i % 97 == 0) {
      resp::append_command(requests, {"SELECT", std::to_string(i / 97 % 2)});
    } else if (i % 31 == 0) {
      resp::append_command(requests, {"PEXPIRE", key, "100000"});
    } else if (i % 29 == 0) {
      resp::append_command(requests, {"APPEND", key, "+"});
    } else {
      const std::string value = std::to_string(round * commands_per_round + i);
      resp::append_command(requests, {"SET", key, value});
    }
  }
  return requests;
}

asio::awaitable<bool> holds(net::Client& client, std::string key, std::string value) {
  Words get{"GET", key};
  co_return (co_await client.command_or_throw(get)).text == value;
}

/// Writes `value` to the source and waits until the target has it.
asio::awaitable<void> await_arrival(net::Client& source, net::Client& target, std::string value) {
  Words select{"SELECT", "0"}, set{"SET", "arrived", value};
  co_await source.command_or_throw(select);
  co_await source.command_or_throw(set);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!co_await holds(target, "arrived", value)) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the target never got " + value);
  }
}

asio::awaitable<std::unique_ptr<Deployment>> start(fixtures::AddressPlan& addresses,
                                                   std::filesystem::path directory,
                                                   std::string name) {
  fixtures::DeploymentOptions options;
  options.name = name;
  options.spec = fixtures::default_server();
  co_return co_await Deployment::start(co_await asio::this_coro::executor, addresses, directory,
                                       options);
}

asio::awaitable<int64_t> calls_of_mset(net::Client& target) {
  Words info{"INFO", "commandstats"};
  const std::string text = (co_await target.command_or_throw(info)).text;
  const std::string name = "cmdstat_mset:calls=";
  const size_t at = text.find(name);
  co_return at == std::string::npos ? 0 : std::stoll(text.substr(at + name.size()));
}

asio::awaitable<void> body(fixtures::AddressPlan& addresses, std::filesystem::path directory) {
  auto source = co_await start(addresses, directory, "source");
  auto target = co_await start(addresses, directory, "target");
  fixtures::ChildOptions options;
  options.program = fixtures::program_under_test();
  options.args = {
      "sync", "--quiet", "--from", source->urls().front(), "--to", target->urls().front()};
  options.output = directory / "sync.log";
  fixtures::Child engine(co_await asio::this_coro::executor, options);
  auto writer = co_await net::Client::connect(source->client_endpoint());
  auto reader = co_await net::Client::connect(target->client_endpoint());
  co_await await_arrival(*writer, *reader, "before");
  for (int round = 0; round < rounds; ++round) {
    co_await writer->pipeline(load(round), commands_per_round);
    if (round % 2 != 0) continue;
    Words kill{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"};
    co_await reader->command_or_throw(kill);
  }
  co_await await_arrival(*writer, *reader, "after");
  EXPECT_GT(co_await calls_of_mset(*reader), 0);
  EXPECT_EQ(co_await engine.terminate(std::chrono::seconds(20)), 0);
  Words verify{"verify",         "--quiet",
               "--expiry-grace", "1h",
               "--from",         source->urls().front(),
               "--to",           target->urls().front()};
  const auto verified = co_await fixtures::run_lockstep(verify, std::chrono::seconds(60));
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
}

TEST(plain_sets, of_a_stream_reach_the_target_over_broken_connections) {
  fixtures::AddressPlan addresses;
  const fixtures::TemporaryDirectory directory;
  fixtures::run(body(addresses, directory.path()));
}

}  // namespace
}  // namespace lockstep::engine
