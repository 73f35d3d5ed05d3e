// Every version of the catalogue that is here as a source of a new target: a full copy of every
// type and encoding that it has, then every kind of command that it replicates, standalone and as
// a cluster, from disk and without one, and going on where a link broke.

#include <boost/asio/this_coro.hpp>
#include <sstream>

#include "fixtures/dataset.h"
#include "fixtures/program.h"
#include "fixtures/test_server.h"
#include "sync/base/error.h"
#include "sync/engine/test_source_versions.h"

namespace lockstep::engine {
namespace {

using fixtures::Capabilities;

/// Commands that a source of that Redis version (or later) executes and replicates, each changes
/// something. 704: where fields of hashes expire, which Valkey 9 claiming to be 7.2 does.
struct Form {
  uint16_t since;
  const char* request;
};

constexpr Form forms[] = {
    {208, "SET s v PX 4000000"},
    {208, "APPEND s more"},
    {208, "SETRANGE s 3 xyz"},
    {208, "INCRBY n 7"},
    {208, "DECR n"},
    {208, "INCRBYFLOAT x 1.5"},
    {208, "SETBIT b 77 1"},
    {208, "BITOP NOT b2 b"},
    {208, "GETSET g 1"},
    {208, "MSET m1 1 m2 2"},
    {208, "MSETNX m3 3 m4 4"},
    {208, "RPUSH l a b c d e f"},
    {208, "LPUSH l2 a b c d"},
    {208, "LSET l 0 A"},
    {208, "LINSERT l BEFORE b before"},
    {208, "RPOPLPUSH l l2"},
    {208, "LPOP l2"},
    {208, "LREM l 1 c"},
    {208, "LTRIM l 0 2"},
    {208, "SADD t 1 2 3 4 5 6"},
    {208, "SPOP t"},
    {208, "SADD t2 a b 1 2"},
    {208, "SMOVE t2 t a"},
    {208, "SUNIONSTORE t3 t t2"},
    {208, "ZADD z 1 a 2 b 3 c 4.5 d"},
    {208, "ZINCRBY z 2.25 a"},
    {208, "ZUNIONSTORE z2 2 z z WEIGHTS 1 2"},
    {208, "ZREMRANGEBYRANK z2 0 0"},
    {208, "HMSET h a 1 b 2 c 3"},
    {208, "HINCRBY h a 5"},
    {208, "HINCRBYFLOAT h b 0.5"},
    {208, "HDEL h c"},
    {208, "PFADD p a b c d"},
    {208, "PFMERGE p2 p"},
    {208, "RENAME m1 m5"},
    {208, "EXPIRE m2 3000"},
    {208, "PEXPIREAT m3 4000000000000"},
    {208, "EXPIRE h 2000"},
    {208, "PERSIST h"},
    {208, "SORT l ALPHA STORE sorted"},
    {208, "MOVE g 3"},
    {208, "EVAL redis.call('RPUSH',KEYS[1],ARGV[1]);return~redis.call('INCR',KEYS[2]) 2 el en v"},
    {208, "SCRIPT LOAD return~redis.call('INCR',KEYS[1])"},
    {208, "EVALSHA da8455f0535fd532821b3713a4eccd80fc4b8457 1 en"},
    {302, "EVAL redis.replicate_commands();redis.call('SET',KEYS[1],math.random()) 1 er"},
    {302, "GEOADD geo 13.3 38.1 a 15.0 37.5 b"},
    {302, "GEORADIUS geo 14 38 200 km STORE geo2"},
    {302, "BITFIELD b SET u8 0 200 INCRBY i5 100 1"},
    {302, "SPOP t 2"},
    {400, "UNLINK m4"},
    {400, "SWAPDB 1 2"},
    {500, "ZPOPMIN z"},
    {500, "XADD x1 MAXLEN 100 1-1 f v"},
    {500, "XADD x1 * f v2 g w"},
    {500, "XADD x1 * f v3 g w"},
    {500, "XGROUP CREATE x1 g 0"},
    {500, "XREADGROUP GROUP g anna COUNT 2 STREAMS x1 >"},
    {500, "XACK x1 g 1-1"},
    {500, "XREADGROUP GROUP g berta COUNT 2 STREAMS x1 >"},
    {500, "XDEL x1 1-1"},
    {500, "XTRIM x1 MAXLEN 2"},
    {500, "XGROUP CREATE x2 g $ MKSTREAM"},
    {500, "XGROUP SETID x1 g 0"},
    {600, "SET s w KEEPTTL"},
    {600, "LPUSH l3 a b a c a"},
    {602, "SET s2 v PXAT 4000000000000 GET"},
    {602, "COPY l l4"},
    {602, "LMOVE l l4 LEFT RIGHT"},
    {602, "LPOP l4 2"},
    {602, "GETEX s2 PERSIST"},
    {602, "GETDEL s2"},
    {602, "ZADD z GT 9 b"},
    {602, "ZRANGESTORE z3 z 0 1"},
    {602, "ZDIFFSTORE z4 2 z z3"},
    {602, "GEOSEARCHSTORE geo3 geo FROMLONLAT 14 38 BYRADIUS 200 km ASC"},
    {602, "XGROUP CREATECONSUMER x1 g idle"},
    {602, "XAUTOCLAIM x1 g clara 0 0 COUNT 5"},
    {602, "XADD x1 MINID 1 * f v"},
    {700, "LMPOP 2 l l3 LEFT COUNT 2"},
    {700, "ZMPOP 1 z MIN"},
    {700, "EXPIRE s 9000 GT"},
    {700,
     "FUNCTION LOAD #!lua~name=lib2^redis.register_function('f2',function(k,a)~return~"
     "redis.call('SET',k[1],a[1])~end)"},
    {700, "FCALL f2 1 of-function value"},
    {700, "SPUBLISH channel message"},
    {700, "XGROUP CREATE x1 g2 0 ENTRIESREAD 1"},
    {700, "BITFIELD b SET u16 3 900"},
    {704, "HSET he a 1 b 2 c 3"},
    {704, "HPEXPIRE he 4000000 FIELDS 2 a b"},
    {704, "HPEXPIREAT he 4000000000000 FIELDS 1 c"},
    {704, "HPERSIST he FIELDS 1 a"},
    {800, "HSETEX hx EX 4000 FIELDS 2 a 1 b 2"},
    {800, "HGETEX hx PERSIST FIELDS 1 a"},
    {800, "HGETDEL hx FIELDS 1 b"},
    {802, "XADD xx 1-1 f v"},
    {802, "XGROUP CREATE xx g 0"},
    {802, "XREADGROUP GROUP g anna STREAMS xx >"},
    {802, "XACKDEL xx g ACKED IDS 1 1-1"},
    {802, "XADD xx 2-1 f v"},
    {802, "XDELEX xx DELREF IDS 1 2-1"},
    {802, "BITOP ANDOR b3 b b2"},
};

bool knows(const Capabilities& server, const Form& form) {
  if (form.since == 704) return server.has("field-expiry");
  return server.commands >= form.since;
}

class each_source : public VersionTest, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    const std::string why = why_missing(server(GetParam()));
    if (!why.empty()) GTEST_SKIP() << "Skipped: " << why;
    if (!fixtures::locate(target_spec())) GTEST_SKIP() << "Skipped: " << why_missing(target_spec());
    able_ = fixtures::capabilities_of(server(GetParam()));
  }

  /// The newest that holds all that the source has: streams, vector sets and fields' expiries of
  /// the newest Redis differ from Valkey's.
  const fixtures::ServerSpec& target_spec() const {
    const bool redis = able_.product == "redis" && able_.commands >= 704;
    return server(redis ? "newest-redis" : "newest");
  }

  asio::awaitable<void> fill(size_t databases) {
    fixtures::DatasetOptions data;
    data.keys = 1500;
    data.mix = fixtures::Mix::everything;
    data.expiries = 0.2;
    data.big_keys = 5;
    data.big_elements = 3000;
    data.databases = static_cast<uint32_t>(databases);
    std::vector<net::Endpoint> servers;
    for (const std::string& url : source_->urls()) servers.push_back(net::parse_endpoint(url));
    co_await fixtures::load_dataset(servers, data);
  }

  /// All forms that this source knows, and a transaction.
  asio::awaitable<void> write_all_forms() {
    for (const Form& form : forms)
      if (knows(able_, form)) co_await write(form.request);
    const std::string transaction = "MULTI\nINCR n\nRPUSH l q\nDEL m5\nEXEC";
    co_await say_together(source_->client_endpoint(), transaction);
    if (able_.has("restore-idletime")) co_await restore_with_idletime();
  }

  /// A client's own RESTORE, which is replicated as it is.
  asio::awaitable<void> restore_with_idletime() {
    const auto client = co_await net::Client::connect(source_->client_endpoint());
    std::vector<std::string> dump{"DUMP", "z2"};
    const std::string payload = (co_await client->command_or_throw(dump)).text;
    std::vector<std::string> idle{"RESTORE", "idle", "0", payload, "IDLETIME", "100"};
    co_await client->command_or_throw(idle);
  }

  asio::awaitable<void> everything_body() {
    co_await start_pair(server(GetParam()), target_spec(), "");
    co_await fill(3);
    if (able_.has("functions"))
      co_await write("FUNCTION LOAD #!lua~name=lib^redis.register_function('f',function()~end)");
    co_await begin(pair_options());
    co_await expect_equal();
    co_await write_all_forms();
    co_await expect_equal();
    if (!able_.has("functions")) co_return;
    const resp::Value libraries = co_await say(target_->client_endpoint(), "FUNCTION LIST");
    EXPECT_EQ(libraries.items.size(), 2u);
  }

  asio::awaitable<void> diskless_body() {
    co_await start_pair(server(GetParam()), target_spec(), "repl-diskless-sync yes");
    co_await fill(1);
    co_await begin(pair_options());
    co_await write("SET after the-copy");
    co_await expect_equal();
    // No size was announced.
    EXPECT_EQ(running_->engine().status().links.front().snapshot_bytes_total, 0u);
  }

  /// The source drops its replicas.
  asio::awaitable<void> cut_links() {
    const resp::Value clients = co_await write("CLIENT LIST");
    std::istringstream lines(clients.text);
    size_t cut = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.find(" flags=S") == std::string::npos) continue;
      const size_t at = line.find(" addr=") + 6;
      co_await write("CLIENT KILL " + line.substr(at, line.find(' ', at) - at));
      ++cut;
    }
    EXPECT_EQ(cut, 1u);
  }

  asio::awaitable<void> broken_link_body() {
    co_await start_pair(server(GetParam()), target_spec(), "");
    co_await write("RPUSH l a b c");
    co_await begin(pair_options());
    co_await write("INCR n");
    co_await cut_links();
    co_await write("INCR n");
    co_await write("RPUSH l d");
    co_await expect_equal();
    const Status status = running_->engine().status();
    EXPECT_EQ(status.links.front().reconnects, 1u);
    EXPECT_EQ(status.links.front().keys_loaded, 1u);  // by the one full copy
  }

  asio::awaitable<void> cluster_body() {
    source_ = co_await servers_.start_version(server(GetParam()), "source", 3, 0, "");
    target_ = co_await servers_.start_version(target_spec(), "target", 1, 0, "");
    co_await fill(1);
    co_await begin(pair_options());
    co_await fixtures::load_dataset(endpoints(), more());
    co_await settle();
  }

  std::vector<net::Endpoint> endpoints() const { return {source_->client_endpoint()}; }
  static fixtures::DatasetOptions more() {
    fixtures::DatasetOptions data;
    data.keys = 500;
    data.prefix = "more:";
    return data;
  }

  /// Every link has applied all of its own source.
  asio::awaitable<void> settle() {
    co_await running_->engine().finalize();
    const std::string failure = co_await running_->await_end();
    EXPECT_EQ(failure, "");
    std::vector<std::string> args{"verify", "--from", source_->urls().front(), "--to",
                                  target_->urls().front()};
    const fixtures::Outcome outcome =
        co_await fixtures::run_lockstep(args, std::chrono::seconds(60));
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  }

  Capabilities able_;
};

TEST_P(each_source, everything_arrives_and_stays_equal) { run(everything_body()); }

TEST_P(each_source, a_copy_without_a_disk) {
  if (!able_.has("diskless")) GTEST_SKIP() << "Skipped: it knows no diskless copy";
  run(diskless_body());
}

TEST_P(each_source, a_broken_link_goes_on_where_it_was) { run(broken_link_body()); }

TEST_P(each_source, a_cluster_of_it) {
  if (!able_.has("cluster")) GTEST_SKIP() << "Skipped: it knows no cluster";
  run(cluster_body());
}

INSTANTIATE_TEST_SUITE_P(server, each_source, testing::ValuesIn(fixtures::plain_servers()),
                         [](const auto& with) { return fixtures::test_name(with.param); });

}  // namespace
}  // namespace lockstep::engine
