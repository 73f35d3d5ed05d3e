// Sources whose snapshot is damaged, that fall silent, and targets that fall behind for longer than
// the spool may hold.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <csignal>

#include "fixtures/child.h"
#include "fixtures/dataset.h"
#include "fixtures/deployment.h"
#include "fixtures/poll_until.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "fixtures/tampering_proxy.h"
#include "sync/net/client.h"

namespace lockstep::engine {
namespace {

namespace asio = boost::asio;
using fixtures::Deployment;
using fixtures::Outcome;
using fixtures::TamperingProxy;
using Words = std::vector<std::string>;

class lying_source : public testing::Test {
 protected:
  asio::awaitable<std::unique_ptr<Deployment>> start(std::string name) {
    fixtures::DeploymentOptions options;
    options.name = name;
    options.spec = fixtures::default_server();
    co_return co_await Deployment::start(co_await asio::this_coro::executor, addresses_,
                                         directory_.path(), options);
  }
  asio::awaitable<std::unique_ptr<Deployment>> start_with_data(uint64_t keys) {
    auto source = co_await start("source");
    fixtures::DatasetOptions options;
    options.keys = keys;
    options.mix = fixtures::Mix::everything;
    std::vector<net::Endpoint> servers{source->client_endpoint()};
    co_await fixtures::load_dataset(servers, options);
    co_return source;
  }
  /// What becomes of a sync whose source's snapshot goes through `tamper`.
  asio::awaitable<Outcome> sync_through(TamperingProxy::Tamper tamper) {
    auto source = co_await start_with_data(2000);
    co_return co_await sync_through(*source, tamper);
  }
  asio::awaitable<Outcome> sync_through(Deployment& source, TamperingProxy::Tamper tamper) {
    auto target = co_await start("target");
    const std::string address = addresses_.next();
    TamperingProxy proxy(co_await asio::this_coro::executor, address, source.client_endpoint(),
                         tamper);
    Words args{"sync",    "--quiet",   "--from",      address, "--to", target->urls().front(),
               "--until", "caught-up", "--retry-for", "2s"};
    co_return co_await fixtures::run_lockstep(args, std::chrono::seconds(60));
  }
  Outcome outcome_of(TamperingProxy::Tamper tamper) {
    Outcome outcome;
    const auto body = [&]() -> asio::awaitable<void> { outcome = co_await sync_through(tamper); };
    fixtures::run(body());
    return outcome;
  }

  fixtures::TemporaryDirectory directory_;
  fixtures::AddressPlan addresses_;
};

TEST_F(lying_source, an_honest_proxy_changes_nothing) {
  const Outcome outcome = outcome_of([](uint64_t, std::string&) { return true; });
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TamperingProxy::Tamper flip_at(uint64_t where) {
  return [where](uint64_t offset, std::string& bytes) {
    if (where >= offset && where < offset + bytes.size()) bytes[where - offset] ^= 0x10;
    return true;
  };
}

class flipped_byte : public lying_source, public testing::WithParamInterface<uint64_t> {};

TEST_P(flipped_byte, is_an_error_with_its_offset) {
  const Outcome outcome = outcome_of(flip_at(GetParam()));
  EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("offset"), std::string::npos) << outcome.err;
}

// In the magic and version, in the header's fields, in values, near the end.
INSTANTIATE_TEST_SUITE_P(anywhere, flipped_byte,
                         testing::Values(3, 7, 12, 40, 200, 5000, 50'000, 200'000));

TEST_F(lying_source, a_truncated_snapshot_is_an_error) {
  const Outcome outcome = outcome_of([](uint64_t offset, std::string& bytes) {
    if (offset + bytes.size() < 30'000) return true;
    bytes.resize(30'000 > offset ? 30'000 - offset : 0);
    return false;
  });
  EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("during the full copy"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("that was try 5"), std::string::npos) << outcome.err;
}

TEST_F(lying_source, a_value_of_unknown_type_is_an_error_with_its_offset) {
  const auto body = [this]() -> asio::awaitable<void> {
    auto source = co_await start("source");
    auto client = co_await net::Client::connect(source->client_endpoint());
    Words set{"SET", "the key", "v"};
    co_await client->command_or_throw(set);
    uint64_t found_at = 0;
    const auto tamper = [&found_at](uint64_t offset, std::string& bytes) {
      const size_t key = bytes.find(std::string("\0\7the key", 9));
      if (key == std::string::npos) return true;
      found_at = offset + key;
      bytes[key] = 99;
      return true;
    };
    const Outcome outcome = co_await sync_through(*source, tamper);
    EXPECT_NE(found_at, 0u);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("unknown value type 99"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(std::to_string(found_at)), std::string::npos) << outcome.err;
  };
  fixtures::run(body());
}

TEST_F(lying_source, one_that_is_silent_is_named) {
  const auto body = [this]() -> asio::awaitable<void> {
    auto source = co_await start("source");
    auto target = co_await start("target");
    co_await source->servers().front()->signal(SIGSTOP);
    Words args{"sync", "--quiet", "--from", source->urls().front(), "--to", target->urls().front()};
    const Outcome outcome = co_await fixtures::run_lockstep(args, std::chrono::seconds(60));
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_NE(outcome.err.find(source->client_endpoint().label()), std::string::npos)
        << outcome.err;
    EXPECT_NE(outcome.err.find("no reply within"), std::string::npos) << outcome.err;
    co_await source->servers().front()->signal(SIGCONT);
  };
  fixtures::run(body());
}

asio::awaitable<void> await_text(std::filesystem::path file, std::string text) {
  co_await fixtures::poll_until(
      std::chrono::seconds(30), "the line \"" + text + "\"", [&]() -> asio::awaitable<std::string> {
        const std::string all = fixtures::read_text(file);
        co_return all.find(text) == std::string::npos ? "only: " + all : "";
      });
}

TEST_F(lying_source, a_spool_that_is_full_names_its_bound) {
  const auto body = [this]() -> asio::awaitable<void> {
    auto source = co_await start("source");
    auto target = co_await start("target");
    fixtures::ChildOptions options;
    options.program = fixtures::program_under_test();
    options.args = {"sync",
                    "--quiet",
                    "--from",
                    source->urls().front(),
                    "--to",
                    target->urls().front(),
                    "--spool-memory",
                    "2MB",
                    "--spool-disk-max",
                    "2MB",
                    "--spool-dir",
                    directory_.path().string()};
    options.output = directory_.path() / "engine.log";
    fixtures::Child engine(co_await asio::this_coro::executor, options);
    co_await await_text(options.output, "synchronising after");
    co_await target->servers().front()->signal(SIGSTOP);
    auto client = co_await net::Client::connect(source->client_endpoint());
    for (int i = 0; i < 40; ++i) {
      Words set{"SET", "k" + std::to_string(i), std::string(1 << 20, 'x')};
      co_await client->command_or_throw(set);
    }
    const auto status = co_await engine.wait(std::chrono::seconds(30));
    EXPECT_EQ(status, 2);
    co_await await_text(options.output, "--spool-disk-max");
    co_await target->servers().front()->signal(SIGCONT);
  };
  fixtures::run(body());
}

/// The peak of a process's memory in bytes.
uint64_t memory_peak(pid_t pid) {
  const std::string status = fixtures::read_text("/proc/" + std::to_string(pid) + "/status");
  const size_t at = status.find("VmHWM:");
  return at == std::string::npos ? 0 : std::stoull(status.substr(at + 6)) * 1024;
}

TEST_F(lying_source, a_target_that_stops_costs_disk_and_no_memory) {
  const auto body = [this]() -> asio::awaitable<void> {
    auto source = co_await start("source");
    auto target = co_await start("target");
    fixtures::ChildOptions options;
    options.program = fixtures::program_under_test();
    options.args = {"sync",           "--quiet",
                    "--from",         source->urls().front(),
                    "--to",           target->urls().front(),
                    "--spool-dir",    directory_.path().string(),
                    "--spool-memory", "4MB"};
    options.output = directory_.path() / "engine.log";
    fixtures::Child engine(co_await asio::this_coro::executor, options);
    co_await await_text(options.output, "synchronising after");
    co_await target->servers().front()->signal(SIGSTOP);
    auto client = co_await net::Client::connect(source->client_endpoint());
    for (int i = 0; i < 200; ++i) {
      Words set{"SET", "k" + std::to_string(i), std::string(1 << 20, 'x')};
      co_await client->command_or_throw(set);
    }
    co_await target->servers().front()->signal(SIGCONT);
    co_await fixtures::poll_until(
        std::chrono::seconds(60), "arrival of all keys", [&]() -> asio::awaitable<std::string> {
          auto there = co_await net::Client::connect(target->client_endpoint());
          Words size{"DBSIZE"};
          const auto keys = co_await there->command_or_throw(size);
          co_return keys.integer == 200 ? "" : "not all";
        });
    // 200 MB went through; the bound of the whole program is 256 MB for much more than that.
    EXPECT_LT(memory_peak(engine.pid()), 64u << 20);
    Words info{"INFO", "stats"};
    const auto stats = co_await client->command_or_throw(info);
    EXPECT_NE(stats.text.find("sync_full:1\r"), std::string::npos) << stats.text;
    EXPECT_NE(stats.text.find("sync_partial_ok:0\r"), std::string::npos) << stats.text;
    EXPECT_EQ(co_await engine.terminate(std::chrono::seconds(10)), 0);
  };
  fixtures::run(body());
}

}  // namespace
}  // namespace lockstep::engine
