#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <map>

#include "fixtures/test_server.h"
#include "sync/base/error.h"
#include "sync/fence/fence.h"
#include "sync/fence/read_codec.h"
#include "sync/net/test_support.h"
#include "sync/psync/replica_link.h"
#include "sync/resp/encoder.h"

namespace lockstep::fence {
namespace {

using fixtures::TestServer;
using net::Client;
using net::run;
using net::asio::awaitable;
using Keys = std::vector<std::string>;

const Keys every_type{"string", "int", "list", "set", "hash", "zset", "hll", "absent", "expiring"};

void fill(TestServer& server) {
  server.call({"SET", "string", std::string("\0\r\n\xff", 4)});
  server.call({"SET", "int", "42"});
  server.call({"RPUSH", "list", "a", "b", "c"});
  server.call({"SADD", "set", "1", "2"});
  server.call({"HSET", "hash", "f", "v"});
  server.call({"ZADD", "zset", "1.5", "m"});
  server.call({"PFADD", "hll", "e"});
  server.call({"SET", "expiring", "v"});
  server.call({"PEXPIREAT", "expiring", "33000000000123"});
}

awaitable<std::vector<FencedKey>> read(net::Endpoint endpoint, DbIndex db, Keys keys,
                                       size_t bytes_max = SIZE_MAX) {
  const auto client = co_await Client::connect(std::move(endpoint));
  co_return co_await read_keys(*client, db, std::move(keys), bytes_max);
}

awaitable<void> write(net::Endpoint endpoint, std::vector<FencedKey> keys, RestoreForm form,
                      int64_t now_ms) {
  const auto client = co_await Client::connect(std::move(endpoint));
  std::string out;
  size_t count = 0;
  for (const FencedKey& key : keys) {
    count += append_write(out, key, form, std::chrono::milliseconds(0), now_ms);
  }
  const auto replies = co_await client->pipeline(std::move(out), count);
  for (const resp::Value& reply : replies) EXPECT_FALSE(reply.is_error()) << reply.text;
}

int64_t now_ms(TestServer& server) {
  const resp::Value time = server.call({"TIME"});
  return std::stoll(time.items[0].text) * 1000 + std::stoll(time.items[1].text) / 1000;
}

TEST(Fence, MovesKeysOfEveryTypeExactly) {
  TestServer source;
  TestServer target;
  fill(source);
  target.call({"SET", "absent", "to be removed"});
  target.call({"SET", "list", "of another type"});
  const uint32_t version = target.version();
  const RestoreForm form{
      .replace = version >= 30000, .absttl = version >= 50000, .unlink = version >= 40000};
  run(write(target.endpoint(), run(read(source.endpoint(), DbIndex{0}, every_type)), form,
            now_ms(source)));
  for (const std::string& key : every_type) {
    EXPECT_EQ(target.call({"DUMP", key}), source.call({"DUMP", key})) << key;
  }
  const auto ttl = target.call({"PTTL", "expiring"}).integer;
  EXPECT_NEAR(static_cast<double>(ttl),
              static_cast<double>(source.call({"PTTL", "expiring"}).integer), 100);
  EXPECT_EQ(target.call({"PTTL", "string"}).integer, -1);
}

TEST(Fence, ReadsTheExpiryToTheMillisecond) {
  TestServer source;
  Keys keys;
  for (int i = 0; i < 200; ++i) {
    keys.push_back("k" + std::to_string(i));
    source.call({"SET", keys.back(), "v"});
    source.call({"PEXPIREAT", keys.back(), std::to_string(33000000000000 + i)});
  }
  const auto read_all = run(read(source.endpoint(), DbIndex{0}, keys));
  ASSERT_EQ(read_all.size(), keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(read_all[i].key, keys[i]);
    EXPECT_EQ(read_all[i].expire_at, ExpireAt{33000000000000 + static_cast<int64_t>(i)});
  }
}

awaitable<Read> read_by_pttl(net::Endpoint endpoint, std::string key) {
  const auto client = co_await Client::connect(std::move(endpoint));
  std::string request;
  append_read(request, key, ReadForm{.expiry = ExpiryForm::time_pttl});
  const auto replies = co_await client->pipeline(
      std::move(request), reply_count(ReadForm{.expiry = ExpiryForm::time_pttl}));
  co_return parse_read(replies, key, ReadForm{.expiry = ExpiryForm::time_pttl},
                       client->endpoint().label());
}

TEST(Fence, TimeAndPttlAgreeWithTheServer) {
  TestServer source;
  source.call({"SET", "k", "v"});
  source.call({"PEXPIREAT", "k", "33000000000123"});
  int exact = 0;
  for (int i = 0; i < 100; ++i) {
    const Read got = run(read_by_pttl(source.endpoint(), "k"));
    exact += got.exact;
    const int64_t off = got.key.expire_at->ms - 33000000000123;
    EXPECT_TRUE(got.exact ? off == 0 : off >= 0) << off;
  }
  EXPECT_GT(exact, 50);
}

TEST(Fence, ReadsFromAServerThatIsFull) {
  TestServer source;
  fill(source);
  const auto before = run(read(source.endpoint(), DbIndex{0}, every_type));
  source.call({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  source.call({"CONFIG", "SET", "maxmemory", "1"});
  ASSERT_THROW(source.call({"SET", "more", "x"}), std::runtime_error);
  const auto full = run(read(source.endpoint(), DbIndex{0}, every_type));
  ASSERT_EQ(full.size(), before.size());
  for (size_t i = 0; i < full.size(); ++i) {
    EXPECT_EQ(full[i].dump_payload, before[i].dump_payload) << full[i].key;
    EXPECT_EQ(full[i].expire_at, before[i].expire_at) << full[i].key;
    EXPECT_EQ(full[i].offset, before[i].offset) << full[i].key;
  }
}

TEST(Fence, ReadsTheDatabaseAsked) {
  TestServer source;
  source.call({"SET", "k", "zero"});
  EXPECT_EQ(run(read(source.endpoint(), DbIndex{3}, {"k"}))[0].dump_payload, std::nullopt);
  EXPECT_THROW(run(read(source.endpoint(), DbIndex{99}, {"k"})), UserError);
}

TEST(Fence, StopsWhenTheBytesPassTheBound) {
  TestServer source;
  Keys keys;
  for (int i = 0; i < 100; ++i) {
    keys.push_back("k" + std::to_string(i));
    source.call({"SET", keys.back(), std::string(100'000, static_cast<char>('a' + i % 26))});
  }
  EXPECT_EQ(run(read(source.endpoint(), DbIndex{0}, keys)).size(), keys.size());
  const size_t few = run(read(source.endpoint(), DbIndex{0}, keys, 0)).size();
  EXPECT_GE(few, 1u);
  EXPECT_LT(few, keys.size());
}

/// Counters as the stream says they are at each of its offsets.
struct History {
  std::map<Offset, int64_t> value_at{{Offset{0}, 0}};
  int64_t at(Offset offset) const { return std::prev(value_at.upper_bound(offset))->second; }
};

awaitable<void> increment(net::Endpoint endpoint, int times, bool& done) {
  const auto client = co_await Client::connect(std::move(endpoint));
  const std::vector<std::string> incr{"INCR", "counter"};
  for (int i = 0; i < times; ++i) co_await client->command(incr);
  done = true;
}

awaitable<std::vector<FencedKey>> read_while(net::Endpoint endpoint, const bool& done) {
  const auto client = co_await Client::connect(std::move(endpoint));
  std::vector<FencedKey> all;
  const Keys keys{"counter", "counter"};
  while (!done) {
    for (FencedKey& key : co_await read_keys(*client, DbIndex{0}, keys)) {
      all.push_back(std::move(key));
    }
  }
  co_return all;
}

/// A link whose snapshot has been read.
struct Attached {
  std::unique_ptr<psync::ReplicaLink> link;
  std::string input;  ///< stream bytes received with the snapshot's end
};

awaitable<void> read_more(psync::ReplicaLink& link, std::string& input) {
  std::string chunk(4096, '\0');
  const size_t size = co_await link.read_some(net::asio::buffer(chunk));
  input.append(chunk, 0, size);
}

awaitable<Attached> attach(net::Endpoint endpoint) {
  const psync::HandshakeOptions options{.resume = {}, .capa_eof = false};
  Attached attached;
  attached.link = co_await psync::ReplicaLink::open(std::move(endpoint), options);
  psync::Transfer transfer;
  while (!transfer.snapshot_done()) {
    co_await read_more(*attached.link, attached.input);
    psync::Transfer::Piece piece;
    while (!transfer.snapshot_done() && (piece = transfer.next(attached.input)).consumed > 0) {
      attached.input.erase(0, piece.consumed);
    }
  }
  co_return attached;
}

awaitable<History> follow(Attached attached, int64_t until) {
  resp::CommandParser parser;
  History history;
  Offset offset = attached.link->start().offset;
  while (history.value_at.rbegin()->second < until) {
    co_await read_more(*attached.link, attached.input);
    while (const auto length = parser.parse(attached.input)) {
      offset = offset + static_cast<int64_t>(*length);
      const int64_t last = history.value_at.rbegin()->second;
      if (!parser.args().empty() && parser.args()[0] == "INCR") history.value_at[offset] = last + 1;
      attached.input.erase(0, *length);
    }
  }
  co_return history;
}

awaitable<std::tuple<History, std::vector<FencedKey>>> observe(net::Endpoint endpoint, int times) {
  using namespace net::asio::experimental::awaitable_operators;
  Attached attached = co_await attach(endpoint);
  bool done = false;
  auto load = increment(endpoint, times, done) && read_while(endpoint, done);
  auto all = follow(std::move(attached), times) && std::move(load);
  co_return co_await std::move(all);
}

// The stream is the oracle: the value read must be what the commands up to its offset make.
TEST(Fence, ValueAndOffsetAreOneObservation) {
  TestServer source;
  const auto [history, keys] = run(observe(source.endpoint(), 3000));
  TestServer scratch;
  int compared = 0;
  for (const FencedKey& key : keys) {
    if (!key.dump_payload) continue;
    if (++compared % 20 != 0) continue;
    scratch.call({"DEL", "counter"});
    scratch.call({"RESTORE", "counter", "0", *key.dump_payload});
    EXPECT_EQ(std::stoll(scratch.call({"GET", "counter"}).text), history.at(key.offset));
  }
  EXPECT_GT(compared, 100);
}

TEST(Fence, NamesWhatTheUserMayNotDo) {
  TestServer source;
  if (source.version() < 60000) GTEST_SKIP() << "no ACL before 6.0";
  source.call({"ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-dump"});
  net::Endpoint endpoint = source.endpoint();
  endpoint.user = "u";
  endpoint.password = "p";
  EXPECT_PRED2(net::contains, net::message_of<UserError>(read(endpoint, DbIndex{0}, {"k"})),
               "+dump");
}

TEST(Fence, AClusterThatIsDownMayPass) {
  if (TestServer().version() < 30000) GTEST_SKIP() << "no cluster before 3.0";
  TestServer source({"--cluster-enabled", "yes"});
  EXPECT_THROW(run(read(source.endpoint(), DbIndex{0}, {"k"})), ConnectionError);
}

}  // namespace
}  // namespace lockstep::fence
