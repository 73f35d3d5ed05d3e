// Values that are larger than one payload may be go in parts, as commands.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/deployment.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "sync/net/client.h"

namespace lockstep::engine {
namespace {

namespace asio = boost::asio;
using fixtures::Deployment;
using Words = std::vector<std::string>;

constexpr int elements = 70;
constexpr size_t element_bytes = 1 << 20;  // more than 64 MiB together

asio::awaitable<void> fill(net::Endpoint server) {
  auto client = co_await net::Client::connect(server);
  for (int i = 0; i < elements; ++i) {
    const std::string value(element_bytes, static_cast<char>('a' + i % 26));
    const std::string number = std::to_string(i);
    Words push{"RPUSH", "list", number + value}, set{"HSET", "hash", number, value};
    co_await client->command_or_throw(push);
    co_await client->command_or_throw(set);
  }
  Words expire{"PEXPIREAT", "list", "4102444800000"};
  co_await client->command_or_throw(expire);
}

asio::awaitable<std::unique_ptr<Deployment>> start(fixtures::AddressPlan& addresses,
                                                   std::filesystem::path directory,
                                                   std::string name) {
  fixtures::DeploymentOptions options;
  options.name = name;
  options.spec = fixtures::default_server();
  options.config["rdbcompression"] = "no";
  co_return co_await Deployment::start(co_await asio::this_coro::executor, addresses, directory,
                                       options);
}

asio::awaitable<void> body(fixtures::AddressPlan& addresses, std::filesystem::path directory) {
  auto source = co_await start(addresses, directory, "source");
  auto target = co_await start(addresses, directory, "target");
  co_await fill(source->client_endpoint());
  Words sync{
      "sync",    "--quiet",  "--from", source->urls().front(), "--to", target->urls().front(),
      "--until", "caught-up"};
  const auto synced = co_await fixtures::run_lockstep(sync, std::chrono::seconds(100));
  EXPECT_EQ(synced.status, 0) << synced.err;
  Words verify{
      "verify", "--quiet", "--from", source->urls().front(), "--to", target->urls().front()};
  const auto verified = co_await fixtures::run_lockstep(verify, std::chrono::seconds(100));
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
  auto client = co_await net::Client::connect(target->client_endpoint());
  Words length{"LLEN", "list"}, fields{"HLEN", "hash"}, expiry{"PTTL", "list"};
  EXPECT_EQ((co_await client->command_or_throw(length)).integer, elements);
  EXPECT_EQ((co_await client->command_or_throw(fields)).integer, elements);
  EXPECT_GT((co_await client->command_or_throw(expiry)).integer, 1'000'000'000);
}

TEST(big_value, goes_in_parts) {
  fixtures::AddressPlan addresses;
  const fixtures::TemporaryDirectory directory;
  fixtures::run(body(addresses, directory.path()));
}

}  // namespace
}  // namespace lockstep::engine
