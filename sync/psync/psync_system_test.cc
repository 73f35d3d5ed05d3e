#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fstream>

#include "fixtures/poll_until.h"
#include "fixtures/test_server.h"
#include "sync/base/error.h"
#include "sync/net/client.h"
#include "sync/net/test_support.h"
#include "sync/psync/replica_link.h"

namespace lockstep::psync {
namespace {

using fixtures::TestServer;
using net::run;
using net::asio::awaitable;

/// What a link has brought so far.
struct Received {
  SyncStart start = {};
  std::string snapshot;
  std::string stream;
  bool sized = false;
  bool acknowledge = false;
};

HandshakeOptions options_for(bool diskless) {
  HandshakeOptions options;
  options.capa_eof = diskless;
  options.reply_timeout = std::chrono::milliseconds(10000);
  return options;
}

/// Reads until the stream holds `last`. Reads are as small as a byte at times, so that marks are
/// split.
awaitable<void> receive(ReplicaLink& link, Received& received, std::string last) {
  Transfer transfer(received.start.kind == SyncKind::partial_sync);
  std::string input;
  std::string chunk(70000, '\0');
  for (size_t i = 0; received.stream.find(last) == std::string::npos; ++i) {
    const size_t room = i % 3 == 0 ? 1 + i % 50 : chunk.size();
    const size_t size = co_await link.read_some(net::asio::buffer(chunk.data(), room));
    input.append(chunk, 0, size);
    while (true) {
      const Transfer::Piece piece = transfer.next(input);
      if (piece.kind == Transfer::Kind::snapshot) received.snapshot += piece.data;
      if (piece.kind == Transfer::Kind::stream) received.stream += piece.data;
      if (piece.consumed == 0) break;
      input.erase(0, piece.consumed);
    }
    received.acknowledge = transfer.snapshot_done();
  }
  received.sized = transfer.snapshot_size().has_value();
  link.close();
}

/// Until the link is closed.
awaitable<void> acknowledge(ReplicaLink& link, const Received& received) {
  net::asio::steady_timer timer(co_await net::asio::this_coro::executor);
  try {
    while (true) {
      if (received.acknowledge) co_await link.ack(received.start.offset);
      timer.expires_after(std::chrono::milliseconds(10));
      co_await timer.async_wait(net::asio::use_awaitable);
    }
  } catch (const ConnectionError&) {
  }
}

awaitable<Received> follow(net::Endpoint source, HandshakeOptions options, std::string last) {
  using namespace net::asio::experimental::awaitable_operators;
  const auto link = co_await ReplicaLink::open(std::move(source), std::move(options));
  Received received;
  received.start = link->start();
  auto both = receive(*link, received, std::move(last)) && acknowledge(*link, received);
  co_await std::move(both);
  co_return received;
}

void fill(TestServer& server, int keys) {
  for (int i = 0; i < keys; ++i) {
    server.call({"SET", "key" + std::to_string(i), std::string(100 + i, 'x')});
  }
}

/// A server that has loaded `snapshot`.
std::unique_ptr<TestServer> load(const std::string& snapshot) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("lockstep-" + std::to_string(getpid()) + ".rdb"))
          .string();
  std::ofstream(path, std::ios::binary) << snapshot;
  auto server = std::make_unique<TestServer>(
      TestServer::Args{"--dir", std::filesystem::path(path).parent_path(), "--dbfilename",
                       std::filesystem::path(path).filename()});
  std::filesystem::remove(path);
  return server;
}

awaitable<std::string> info(net::Endpoint server, std::string section) {
  const auto client = co_await net::Client::connect(std::move(server));
  std::vector<std::string> request{"INFO", std::move(section)};
  const resp::Value reply = co_await client->command_or_throw(std::move(request));
  co_return reply.text;
}

const std::string last_value = "the-last-value";

/// Writes last_value as soon as `source` streams to its replica.
class LastWrite {
 public:
  explicit LastWrite(TestServer& source) : thread_([&source] { write(source); }) {}
  ~LastWrite() { thread_.join(); }

 private:
  static void write(TestServer& source) {
    while (source.call({"INFO", "replication"}).text.find("state=online") == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    source.call({"SET", "last", last_value});
  }
  std::thread thread_;
};

Received follow_full(TestServer& source, bool diskless) {
  LastWrite write(source);
  return run(follow(source.endpoint(), options_for(diskless), last_value));
}

void expect_loads(const Received& received, TestServer& source) {
  const auto copy = load(received.snapshot);
  EXPECT_EQ(copy->call({"DBSIZE"}).integer, source.call({"DBSIZE"}).integer - 1);  // without "last"
  EXPECT_EQ(copy->call({"GET", "key77"}), source.call({"GET", "key77"}));
  EXPECT_NE(received.stream.find(last_value), std::string::npos);
}

bool knows_diskless() { return TestServer().version() >= 20818; }

TEST(ReplicaLink, ReceivesASnapshotFromDisk) {
  TestServer source(knows_diskless() ? TestServer::Args{"--repl-diskless-sync", "no"}
                                     : TestServer::Args{});
  fill(source, 300);
  const Received received = follow_full(source, false);
  EXPECT_EQ(received.start.kind, SyncKind::full_sync);
  EXPECT_EQ(received.start.replid.value.size(), 40u);
  EXPECT_TRUE(received.sized);
  expect_loads(received, source);
}

TEST(ReplicaLink, ReceivesASnapshotThatEndsWithAMark) {
  if (!knows_diskless()) GTEST_SKIP() << "no diskless replication before 2.8.18";
  TestServer source({"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"});
  fill(source, 300);
  const Received received = follow_full(source, true);
  EXPECT_FALSE(received.sized);
  EXPECT_FALSE(received.snapshot.empty());
  expect_loads(received, source);
}

/// Reads the snapshot and what the source says of its replicas meanwhile.
awaitable<std::string> receive_snapshot_only(net::Endpoint source, Received& received) {
  HandshakeOptions options = options_for(true);
  options.snapshot_only = true;
  const auto link = co_await ReplicaLink::open(source, options);
  const std::string replicas = co_await info(source, "replication");
  received.start = link->start();
  Transfer transfer(false);
  std::string input, chunk(70000, '\0');
  while (!transfer.snapshot_done()) {
    const size_t size = co_await link->read_some(net::asio::buffer(chunk));
    input.append(chunk, 0, size);
    while (!transfer.snapshot_done()) {
      const Transfer::Piece piece = transfer.next(input);
      if (piece.kind == Transfer::Kind::snapshot) received.snapshot += piece.data;
      if (piece.consumed == 0) break;
      input.erase(0, piece.consumed);
    }
  }
  link->close();
  co_return replicas;
}

TEST(ReplicaLink, ForTheSnapshotAloneLeavesNothingBehind) {
  if (!knows_diskless()) GTEST_SKIP() << "no diskless replication before 2.8.18";
  TestServer::Args args{"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"};
  // So that it still sends when it is asked about its replicas.
  if (TestServer().version() >= 60000) args.insert(args.end(), {"--rdb-key-save-delay", "2000"});
  TestServer source(args);
  fill(source, 300);
  const bool valkey =
      source.call({"INFO", "server"}).text.find("valkey_version:") != std::string::npos;
  Received received;
  const std::string meanwhile = run(receive_snapshot_only(source.endpoint(), received));
  EXPECT_EQ(received.start.kind, SyncKind::full_sync);
  const auto copy = load(received.snapshot);
  EXPECT_EQ(copy->call({"DBSIZE"}).integer, 300);
  EXPECT_EQ(copy->call({"GET", "key77"}), source.call({"GET", "key77"}));
  if (valkey) {
    EXPECT_NE(meanwhile.find("type=rdb-channel"), std::string::npos) << meanwhile;
    EXPECT_NE(meanwhile.find("replicas_waiting_psync:0"), std::string::npos) << meanwhile;
  }
  // Valkey would keep the replica and its stream for 5 s or for 60 s if it were not told.
  run(fixtures::poll_until(
      std::chrono::seconds(3), "the end of the replica", [&source]() -> awaitable<std::string> {
        const std::string left = co_await info(source.endpoint(), "replication");
        const bool none = left.find("connected_slaves:0") != std::string::npos;
        co_return none ? "" : left;
      }));
}

TEST(ReplicaLink, ResumesWithTheVeryNextByte) {
  TestServer source;
  const Received first = follow_full(source, false);
  source.call({"SET", "k", "between-links"});
  source.call({"SET", "last", "end-of-second"});
  HandshakeOptions options = options_for(false);
  const Offset offset = first.start.offset + static_cast<int64_t>(first.stream.size());
  options.resume = {first.start.replid, offset};
  const Received second = run(follow(source.endpoint(), options, "end-of-second"));
  EXPECT_EQ(second.start.kind, SyncKind::partial_sync);
  EXPECT_EQ(second.start.offset, offset);
  EXPECT_EQ(second.start.replid, first.start.replid);
  EXPECT_TRUE(second.snapshot.empty());
  EXPECT_NE(second.stream.find("between-links"), std::string::npos);
  // The whole stream since the first offset, read once more, is the two joined.
  options.resume = {first.start.replid, first.start.offset};
  const Received whole = run(follow(source.endpoint(), options, "end-of-second"));
  const std::string joined = first.stream + second.stream;
  EXPECT_EQ(whole.stream.substr(0, joined.size()), joined);
}

TEST(ReplicaLink, GetsAFullSyncWhereTheHistoryIsNotKnown) {
  TestServer source;
  HandshakeOptions options = options_for(false);
  options.resume = {ReplId{std::string(40, 'a')}, Offset{5}};
  LastWrite write(source);
  const Received received = run(follow(source.endpoint(), options, last_value));
  EXPECT_EQ(received.start.kind, SyncKind::full_sync);
  EXPECT_NE(received.start.replid.value, std::string(40, 'a'));
}

awaitable<SyncStart> open_only(net::Endpoint source, HandshakeOptions options) {
  const auto link = co_await ReplicaLink::open(std::move(source), std::move(options));
  co_return link->start();
}

TEST(ReplicaLink, SaysThatAReplicaHasLostItsPrimary) {
  TestServer replica({"--slaveof", "127.0.0.1", "1"});
  HandshakeOptions options = options_for(true);
  options.reply_timeout = std::chrono::milliseconds(400);
  EXPECT_PRED2(net::contains,
               net::message_of<ConnectionError>(open_only(replica.endpoint(), options)),
               "Can't SYNC while not connected with my master");
}

awaitable<resp::Value> dbsize(net::Endpoint endpoint) {
  const auto client = co_await net::Client::connect(std::move(endpoint));
  std::vector<std::string> request{"DBSIZE"};
  co_return co_await client->command_or_throw(std::move(request));
}

TEST(ReplicaLink, WaitsWhileTheSourceLoads) {
  TestServer source;
  if (source.version() < 70000) GTEST_SKIP() << "no key-load-delay";
  fill(source, 1000);
  source.call({"SAVE"});
  // 1000 keys, 2 ms each; the server looks at its clients after each KB, so there must be many.
  TestServer loading({"--dir", source.directory(), "--key-load-delay", "2000",
                      "--loading-process-events-interval-bytes", "1024",
                      "--repl-diskless-sync-delay", "0"});
  EXPECT_PRED2(net::contains, net::message_of<UserError>(dbsize(loading.endpoint())), "LOADING");
  EXPECT_EQ(run(open_only(loading.endpoint(), options_for(true))).kind, SyncKind::full_sync);
  EXPECT_EQ(loading.call({"DBSIZE"}).integer, 1000);
}

TEST(ReplicaLink, NamesThePermissionThatIsMissing) {
  TestServer source;
  if (source.version() < 60000) GTEST_SKIP() << "no ACL before 6.0";
  source.call({"ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-psync"});
  source.call({"ACL", "SETUSER", "v", "on", ">p", "~*", "+@all", "-replconf"});
  net::Endpoint endpoint = source.endpoint();
  endpoint.password = "p";
  for (const char* user : {"u", "v"}) {
    endpoint.user = user;
    EXPECT_PRED2(net::contains, net::message_of<UserError>(open_only(endpoint, options_for(true))),
                 "+psync +replconf");
  }
}

TEST(ReplicaLink, FallsBackToSync) {
  TestServer source({"--rename-command", "PSYNC", "HIDDEN"});
  fill(source, 100);
  const SyncStart start = run(open_only(source.endpoint(), options_for(false)));
  EXPECT_TRUE(start.plain_sync);
  EXPECT_EQ(start.kind, SyncKind::full_sync);
}

TEST(ReplicaLink, NamesAServiceThatBlocksReplication) {
  TestServer source({"--rename-command", "PSYNC", "HIDDEN", "--rename-command", "SYNC", "HIDDEN2"});
  EXPECT_PRED2(net::contains,
               net::message_of<UserError>(open_only(source.endpoint(), options_for(true))),
               "knows neither PSYNC nor SYNC");
}

}  // namespace
}  // namespace lockstep::psync
