// Wrong arguments, wrong servers, wrong permissions: each ends with one message that names the
// cause and the way out, the right exit code, and an untouched target.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "fixtures/deployment.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "sync/net/client.h"

namespace lockstep::engine {
namespace {

namespace asio = boost::asio;
using fixtures::Deployment;
using fixtures::Outcome;
using Words = std::vector<std::string>;

constexpr int unknown = 2, bad_arguments = 254;

/// Two standalone servers and what is tried with them.
struct Scene {
  std::unique_ptr<Deployment> source, target;
  std::string from, to;
};

asio::awaitable<void> ask(net::Endpoint server, Words words) {
  auto client = co_await net::Client::connect(server);
  co_await client->command_or_throw(words);
}

asio::awaitable<int64_t> count_keys(net::Endpoint server) {
  auto client = co_await net::Client::connect(server);
  Words words{"DBSIZE"};
  co_return (co_await client->command_or_throw(words)).integer;
}

class bad_input : public testing::Test {
 protected:
  asio::awaitable<std::unique_ptr<Deployment>> start(std::string name, fixtures::Topology topology,
                                                     size_t primaries) {
    fixtures::DeploymentOptions options;
    options.name = name;
    options.topology = topology;
    options.primaries = primaries;
    options.spec = fixtures::default_server();
    co_return co_await Deployment::start(co_await asio::this_coro::executor, addresses_,
                                         directory_.path(), options);
  }
  asio::awaitable<Scene> start_two() {
    Scene scene;
    scene.source = co_await start("source", fixtures::Topology::standalone, 1);
    scene.target = co_await start("target", fixtures::Topology::standalone, 1);
    scene.from = scene.source->urls().front();
    scene.to = scene.target->urls().front();
    Words set{"SET", "k", "v"};
    co_await ask(scene.source->client_endpoint(), set);
    co_return scene;
  }
  static asio::awaitable<Outcome> sync(Words args) {
    args.insert(args.begin(), {"sync", "--quiet", "--until", "caught-up"});
    return fixtures::run_lockstep(args, std::chrono::seconds(60));
  }
  /// The message is one line for a person on standard error.
  /// (No initializer list: GCC 12 cannot have one beside co_await.)
  template <typename... Text>
  static void expect(const Outcome& outcome, int status, const Text&... words) {
    EXPECT_EQ(outcome.status, status) << outcome.err;
    [[maybe_unused]] const auto contains = [&](const std::string& word) {
      EXPECT_NE(outcome.err.find(word), std::string::npos) << word << " is not in: " << outcome.err;
    };
    (contains(words), ...);
  }

  fixtures::TemporaryDirectory directory_;
  fixtures::AddressPlan addresses_;
};

TEST_F(bad_input, arguments) {
  const auto body = [this]() -> asio::awaitable<void> {
    Words none{};
    expect(co_await sync(none), bad_arguments, "--from");
    Words url{"--from", "redis://host:port", "--to", "redis://127.0.0.1"};
    expect(co_await sync(url), bad_arguments, "redis://host:port");
    Words secret{"--from", "redis://u:secret@host:99999", "--to", "redis://127.0.0.1"};
    const Outcome hidden = co_await sync(secret);
    expect(hidden, bad_arguments, "99999");
    EXPECT_EQ(hidden.err.find("secret"), std::string::npos) << hidden.err;
    Words mode{"--from", "127.0.0.1", "--to", "127.0.0.2", "--expiry", "exakt"};
    expect(co_await sync(mode), bad_arguments, "exakt", "exact");
    const auto precious = directory_.path() / "precious";
    fixtures::write_text(precious, "not a socket");
    Words control{"--from",    "127.0.0.1", "--to",
                  "127.0.0.2", "--control", "unix:" + precious.string()};
    expect(co_await sync(control), bad_arguments, precious.string(), "no socket");
    EXPECT_EQ(fixtures::read_text(precious), "not a socket");
    Words flag{"--form", "127.0.0.1"};
    expect(co_await sync(flag), bad_arguments, "--form");
    Words file{"--job", "/nowhere/job.yaml"};
    expect(co_await sync(file), bad_arguments, "/nowhere/job.yaml");
  };
  fixtures::run(body());
}

TEST_F(bad_input, job_file) {
  const auto job = directory_.path() / "job.yaml";
  const auto body = [&]() -> asio::awaitable<void> {
    Words args{"--job", job.string()};
    fixtures::write_text(job, "from: 127.0.0.1\nto: 127.0.0.2\nexpirry: exact\n");
    expect(co_await sync(args), bad_arguments, "job.yaml:3", "expirry", "expiry");
    fixtures::write_text(job, "from: [127.0.0.1\nto: x\n");
    expect(co_await sync(args), bad_arguments, "job.yaml:");
  };
  fixtures::run(body());
}

TEST_F(bad_input, nobody_there) {
  const auto body = [this]() -> asio::awaitable<void> {
    const std::string free = addresses_.next();
    Words refused{"--from", free, "--to", free};
    expect(co_await sync(refused), unknown, free, "refused");
    Words host{"--from", "no-such-host.invalid", "--to", free};
    expect(co_await sync(host), unknown, "no-such-host.invalid");
  };
  fixtures::run(body());
}

TEST_F(bad_input, permissions) {
  const auto body = [this]() -> asio::awaitable<void> {
    const Scene scene = co_await start_two();
    const net::Endpoint source = scene.source->client_endpoint();
    Words user{"ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-psync", "-replconf"};
    co_await ask(source, user);
    Words wrong{"--from", "redis://reader:wrong@" + source.label(), "--to", scene.to};
    const Outcome denied = co_await sync(wrong);
    expect(denied, unknown, "reader", source.label());
    EXPECT_EQ(denied.err.find("wrong@"), std::string::npos) << denied.err;
    Words poor{"--from", "redis://reader:secret@" + source.label(), "--to", scene.to};
    expect(co_await sync(poor), unknown, "+psync", "+replconf");
    EXPECT_EQ(co_await count_keys(scene.target->client_endpoint()), 0);
  };
  fixtures::run(body());
}

TEST_F(bad_input, existing_data_and_the_same_server) {
  const auto body = [this]() -> asio::awaitable<void> {
    const Scene scene = co_await start_two();
    Words set{"SET", "mine", "v"};
    co_await ask(scene.target->client_endpoint(), set);
    Words args{"--from", scene.from, "--to", scene.to};
    expect(co_await sync(args), unknown, "--existing overwrite");
    EXPECT_EQ(co_await count_keys(scene.target->client_endpoint()), 1);
    Words overwrite{"--from", scene.from, "--to", scene.to, "--existing", "overwrite"};
    expect(co_await sync(overwrite), 0);
    EXPECT_EQ(co_await count_keys(scene.target->client_endpoint()), 2);
    Words itself{"--from", scene.from, "--to", scene.from};
    expect(co_await sync(itself), unknown, "same");
  };
  fixtures::run(body());
}

TEST_F(bad_input, topologies) {
  const auto body = [this]() -> asio::awaitable<void> {
    const Scene scene = co_await start_two();
    Words declared{"--from", scene.from, "--to", scene.to, "--from-topology", "cluster"};
    expect(co_await sync(declared), unknown, "cluster", scene.source->client_endpoint().label());
    Words wrong_target{"--from", scene.from, "--to", scene.to, "--to-topology", "cluster"};
    expect(co_await sync(wrong_target), unknown, "cluster",
           scene.target->client_endpoint().label());
    const auto cluster = co_await start("cluster", fixtures::Topology::cluster, 2);
    net::Endpoint database = scene.source->client_endpoint();
    auto client = co_await net::Client::connect(database);
    Words select{"SELECT", "3"}, set{"SET", "k", "v"};
    co_await client->command_or_throw(select);
    co_await client->command_or_throw(set);
    Words args{"--from", scene.from, "--to", cluster->urls().front()};
    expect(co_await sync(args), unknown, "database 3");
    EXPECT_EQ(co_await count_keys(cluster->client_endpoint()), 0);
    Words hole{"CLUSTER", "DELSLOTS", "77"};
    co_await ask(cluster->client_endpoint(), hole);
    Words uncovered{"--from", cluster->urls().front(), "--to", scene.to};
    expect(co_await sync(uncovered), unknown, "77");
    Words other_way{"--from", scene.to, "--to", cluster->urls().front()};
    expect(co_await sync(other_way), unknown, "77");
  };
  fixtures::run(body());
}

/// Accepts one connection after another and answers whatever comes with `answer`.
asio::awaitable<void> serve(asio::ip::tcp::acceptor& acceptor, std::string answer) {
  for (;;) {
    boost::system::error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    char buffer[1024];
    co_await socket.async_read_some(asio::buffer(buffer),
                                    asio::redirect_error(asio::use_awaitable, error));
    co_await asio::async_write(socket, asio::buffer(answer),
                               asio::redirect_error(asio::use_awaitable, error));
  }
}

TEST_F(bad_input, what_answers_is_not_redis) {
  const auto body = [this]() -> asio::awaitable<void> {
    const Scene scene = co_await start_two();
    auto executor = co_await asio::this_coro::executor;
    const std::string address = addresses_.next();
    asio::ip::tcp::acceptor acceptor(executor, {asio::ip::make_address(address), 6379});
    asio::co_spawn(executor, serve(acceptor, "HTTP/1.1 400 Bad Request\r\n\r\n"), asio::detached);
    Words http{"--from", address, "--to", scene.to};
    expect(co_await sync(http), unknown, "not a Redis server");
    Words tls{"--from", "rediss://" + scene.source->client_endpoint().label(), "--to", scene.to};
    expect(co_await sync(tls), unknown, "TLS");
    acceptor.close();
  };
  fixtures::run(body());
}

}  // namespace
}  // namespace lockstep::engine
