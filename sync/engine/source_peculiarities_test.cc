// What some versions of sources have that others have not. What all of them share is in
// source_versions_test.cc.

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/cluster_builder.h"
#include "fixtures/join_all.h"
#include "fixtures/poll_until.h"
#include "fixtures/program.h"
#include "sync/base/error.h"
#include "sync/engine/test_source_versions.h"

namespace lockstep::engine {
namespace {

using std::chrono::seconds;

class peculiar_source : public VersionTest {
 protected:
  /// Skips the test, by the return value, unless both are here.
  static bool lacking(const std::string& from, const std::string& to) {
    return !why_missing(server(from)).empty() || !why_missing(server(to)).empty();
  }

  asio::awaitable<void> await_type(net::Endpoint where, std::string key, std::string type) {
    co_await fixtures::poll_until(seconds(20), key + " of type " + type,
                                  [&]() -> asio::awaitable<std::string> {
                                    const resp::Value reply = co_await say(where, "TYPE " + key);
                                    co_return reply.text == type ? "" : "it is " + reply.text;
                                  });
  }

  /// The reply to a request in a numbered database.
  static asio::awaitable<resp::Value> say_in_database(net::Endpoint where, int db,
                                                      std::string request) {
    const auto client = co_await net::Client::connect(where);
    std::vector<std::string> select{"SELECT", std::to_string(db)}, args = words(request);
    co_await client->command_or_throw(select);
    co_return co_await client->command(args);
  }

  asio::awaitable<void> expired_at_a_replica_body();
  asio::awaitable<void> promoted_replica_body();
  asio::awaitable<void> acl_body();
  asio::awaitable<void> dual_channel_body();
  asio::awaitable<void> cluster_databases_body();
  asio::awaitable<void> snapshot_given_up_body();
  asio::awaitable<void> end_the_first_link();
  asio::awaitable<void> modules_body();
  asio::awaitable<void> modules_refused_body(std::string target);
  asio::awaitable<void> vector_set_body(std::string target, bool takes_it);
};

#define SKIP_UNLESS_HERE(from, to) \
  if (lacking(from, to))           \
  GTEST_SKIP() << "Skipped: " << why_missing(server(from)) << why_missing(server(to))

/// A replica of a server before 3.2 shows keys that have expired until its primary removes them:
/// they are in its snapshot with their expiry, and in the target only as long as they live.
asio::awaitable<void> peculiar_source::expired_at_a_replica_body() {
  source_ = co_await servers_.start_version(server("oldest"), "source", 1, 1, "");
  target_ = co_await servers_.start_version(server("newest"), "target", 1, 0, "");
  const net::Endpoint replica = source_->servers()[1]->endpoint();
  // Nobody removes what expires until the source is told to.
  co_await write("DEBUG SET-ACTIVE-EXPIRE 0");
  co_await write("SET stays v");
  co_await write("SET goes v PX 300");
  co_await fixtures::poll_until(
      seconds(20), "the key's end at the replica", [&]() -> asio::awaitable<std::string> {
        const resp::Value left = co_await say(replica, "PTTL goes");
        co_return left.integer == 0 ? "" : fmt::format("PTTL is {}", left.integer);
      });
  const resp::Value shown = co_await say(replica, "GET goes");
  EXPECT_EQ(shown.text, "v") << "the replica no longer shows what has expired";
  SyncOptions options = options_for("redis://" + replica.label(), target_->urls().front());
  co_await begin(options);
  const resp::Value there = co_await say(target_->client_endpoint(), "GET stays");
  EXPECT_EQ(there.text, "v");
  // Its own DEL comes now, through the replica.
  co_await write("DEBUG SET-ACTIVE-EXPIRE 1");
  co_await await_type(target_->client_endpoint(), "goes", "none");
  const std::string failure = co_await running_->stop();
  EXPECT_EQ(failure, "");
}

TEST_F(peculiar_source, an_expired_key_that_an_old_replica_still_shows_goes_with_its_del) {
  SKIP_UNLESS_HERE("oldest", "newest");
  run(expired_at_a_replica_body());
}

/// PSYNC2: a replica that becomes a primary has a replid of its own and its primary's as the second
/// one. Who followed it under the old one goes on without a full copy.
asio::awaitable<void> peculiar_source::promoted_replica_body() {
  source_ = co_await servers_.start_version(server("first-with-streams"), "source", 1, 1, "");
  target_ = co_await servers_.start_version(server("newest"), "target", 1, 0, "");
  const net::Endpoint replica = source_->servers()[1]->endpoint();
  co_await write("SET before v");
  SyncOptions options = options_for("redis://" + replica.label(), target_->urls().front());
  co_await begin(options);
  co_await running_->await_applied(replica);
  const std::string old_id = running_->engine().status().links.front().replid;
  const resp::Value promoted = co_await say(replica, "SLAVEOF NO ONE");
  EXPECT_TRUE(promoted.is_ok());
  co_await say(replica, "SET after w");
  co_await say(replica, "UNLINK before");
  co_await say(replica, "SWAPDB 0 5");
  co_await running_->await_applied(replica);
  const Status status = running_->engine().status();
  EXPECT_EQ(status.links.front().reconnects, 1u);
  EXPECT_NE(status.links.front().replid, old_id);
  EXPECT_EQ(status.links.front().keys_loaded, 1u);
  const resp::Value keys = co_await say(target_->client_endpoint(), "INFO keyspace");
  EXPECT_NE(keys.text.find("db5:keys=1"), std::string::npos) << keys.text;
  EXPECT_EQ(keys.text.find("db0:"), std::string::npos) << keys.text;
}

TEST_F(peculiar_source, a_replica_that_becomes_a_primary_is_followed_under_its_second_replid) {
  SKIP_UNLESS_HERE("first-with-streams", "newest");
  run(promoted_replica_body());
}

/// The source ends the link while it still writes the snapshot to its disk, as one does whose
/// snapshot is stopped because it is emptied.
asio::awaitable<void> peculiar_source::snapshot_given_up_body() {
  co_await start_pair(server("default"), server("default"),
                      "repl-diskless-sync no\nrdb-key-save-delay 1000000");
  co_await write("SET k v");
  std::vector<asio::awaitable<void>> both;
  both.push_back(begin(pair_options()));
  both.push_back(end_the_first_link());
  co_await fixtures::join_all(std::move(both));
  EXPECT_EQ(running_->engine().status().links.front().keys_loaded, 1u);
  co_await write("SET l v");
  co_await expect_equal();
}

asio::awaitable<void> peculiar_source::end_the_first_link() {
  const net::Endpoint source = source_->client_endpoint();
  const auto why_not_ended = [&]() -> asio::awaitable<std::string> {
    const resp::Value links = co_await say(source, "INFO replication");
    if (links.text.find("state=wait_bgsave") == std::string::npos) co_return "there is none yet";
    const resp::Value ended = co_await say(source, "CLIENT KILL TYPE slave");
    co_return ended.integer > 0 ? "" : "there is no link";
  };
  co_await fixtures::poll_until(seconds(20), "the end of the first link", why_not_ended);
}

TEST_F(peculiar_source, that_gives_up_a_snapshot_before_it_sends_it_is_asked_again) {
  run(snapshot_given_up_body());
}

/// The rights that a replica needs and no others (with those that fences and prechecks use).
asio::awaitable<void> peculiar_source::acl_body() {
  co_await start_pair(server("first-with-acl"), server("newest"), "");
  co_await write(
      "ACL SETUSER reader on >secret allkeys -@all +psync +replconf +ping +info +time +client "
      "+multi +exec +dump +pttl +select +command +config|get +cluster");
  co_await write("SET k v");
  SyncOptions options = pair_options();
  options.from = {"redis://reader:secret@" + source_->client_endpoint().label()};
  co_await begin(options);
  co_await write("SET s w KEEPTTL");
  co_await expect_equal();
}

TEST_F(peculiar_source, a_user_with_few_rights_is_enough) {
  SKIP_UNLESS_HERE("first-with-acl", "newest");
  run(acl_body());
}

/// Valkey sends the snapshot over a second connection to a replica that says it can; ours does not,
/// and gets it as from any server.
asio::awaitable<void> peculiar_source::dual_channel_body() {
  co_await start_pair(server("newest-valkey"), server("newest"),
                      "dual-channel-replication-enabled yes\nrepl-diskless-sync yes");
  for (int i = 0; i < 200; ++i) co_await write("SET k" + std::to_string(i) + " v");
  co_await begin(pair_options());
  co_await write("SET after v");
  co_await expect_equal();
}

TEST_F(peculiar_source, dual_channel_replication_is_declined) {
  SKIP_UNLESS_HERE("newest-valkey", "newest");
  run(dual_channel_body());
}

/// A cluster of Valkey 9 may have numbered databases.
asio::awaitable<void> peculiar_source::cluster_databases_body() {
  source_ = co_await servers_.start_version(server("newest-valkey"), "source", 2, 0,
                                            "cluster-databases 16");
  target_ = co_await servers_.start_version(server("newest"), "target", 1, 0, "");
  for (fixtures::Server* node : source_->primaries()) {
    // Each takes what is its own; MOVED answers the rest.
    for (int i = 0; i < 40; ++i)
      co_await say_in_database(node->endpoint(), i % 4, "SET k" + std::to_string(i) + " v");
  }
  co_await begin(pair_options());
  const resp::Value keys = co_await say(target_->client_endpoint(), "INFO keyspace");
  for (const char* db : {"db0:keys=10", "db1:keys=10", "db2:keys=10", "db3:keys=10"})
    EXPECT_NE(keys.text.find(db), std::string::npos) << keys.text;
  const resp::Value moved = co_await say_in_database(source_->client_endpoint(), 7, "SET late v");
  if (moved.is_error())
    co_await say_in_database(source_->servers()[1]->endpoint(), 7, "SET late v");
  co_await fixtures::poll_until(
      seconds(20), "a key of database 7", [&]() -> asio::awaitable<std::string> {
        const resp::Value info = co_await say(target_->client_endpoint(), "INFO keyspace");
        co_return info.text.find("db7:keys=1") != std::string::npos ? "" : info.text;
      });
}

TEST_F(peculiar_source, a_cluster_with_databases_is_copied_into_databases) {
  SKIP_UNLESS_HERE("newest-valkey", "newest");
  run(cluster_databases_body());
}

constexpr const char* module_writes[] = {"JSON.SET doc $ {\"a\":[1,2,{\"b\":null}]}",
                                         "BF.ADD bloom item",
                                         "CF.ADD cuckoo item",
                                         "CMS.INITBYDIM sketch 10 3",
                                         "TOPK.RESERVE top 3",
                                         "TDIGEST.CREATE td",
                                         "TS.CREATE series",
                                         "TS.ADD series 1000 2.5"};

/// Values of modules pass through unread where the target has the module.
asio::awaitable<void> peculiar_source::modules_body() {
  co_await start_pair(server("with-modules"), server("with-modules"), "");
  co_await write("SET plain v");
  for (const char* request : module_writes) co_await write(request);
  co_await begin(pair_options());
  co_await write("JSON.SET doc $.a[0] 9");
  co_await write("BF.ADD bloom other");
  co_await write("TS.ADD series 2000 3.5");
  co_await running_->await_applied(source_->client_endpoint());
  const resp::Value json = co_await say(target_->client_endpoint(), "JSON.GET doc");
  EXPECT_EQ(json.text, "{\"a\":[9,2,{\"b\":null}]}");
  const resp::Value bloom = co_await say(target_->client_endpoint(), "BF.EXISTS bloom other");
  EXPECT_EQ(bloom.integer, 1);
  const resp::Value series = co_await say(target_->client_endpoint(), "TS.GET series");
  EXPECT_EQ(series.items.size(), 2u);
  const resp::Value size = co_await say(target_->client_endpoint(), "DBSIZE");
  EXPECT_EQ(size.integer, 8);
}

TEST_F(peculiar_source, values_of_modules_pass_where_the_target_has_the_module) {
  SKIP_UNLESS_HERE("with-modules", "with-modules");
  run(modules_body());
}

/// Where it has not, the task ends and names the key and the module.
asio::awaitable<void> peculiar_source::modules_refused_body(std::string target) {
  co_await start_pair(server("with-modules"), server(target), "");
  co_await write("JSON.SET doc $ {\"a\":1}");
  const auto executor = co_await asio::this_coro::executor;
  running_ = std::make_unique<RunningEngine>(executor, pair_options());
  std::vector<std::string> words{"ReJSON-RL", "module type"};
  co_await expect_refusal(words);
}

TEST_F(peculiar_source, values_of_modules_are_refused_by_name_where_the_target_has_them_not) {
  SKIP_UNLESS_HERE("with-modules", "newest");
  run(modules_refused_body("newest"));
}

TEST_F(peculiar_source, values_of_modules_are_refused_by_an_older_target_too) {
  SKIP_UNLESS_HERE("with-modules", "default");
  run(modules_refused_body("default"));
}

/// Redis 8's own vector sets are values of a module that comes with the server.
asio::awaitable<void> peculiar_source::vector_set_body(std::string target, bool takes_it) {
  co_await start_pair(server("newest-redis"), server(target), "");
  co_await write("VADD vectors VALUES 3 0.1 0.2 0.3 element");
  if (!takes_it) {
    const auto executor = co_await asio::this_coro::executor;
    running_ = std::make_unique<RunningEngine>(executor, pair_options());
    std::vector<std::string> words{"vectors", "vectorset", "module"};
    co_await expect_refusal(words);
    co_return;
  }
  co_await begin(pair_options());
  co_await write("VADD vectors VALUES 3 0.3 0.2 0.1 other");
  co_await running_->await_applied(source_->client_endpoint());
  const resp::Value card = co_await say(target_->client_endpoint(), "VCARD vectors");
  EXPECT_EQ(card.integer, 2);
}

TEST_F(peculiar_source, a_vector_set_passes_into_its_like) {
  SKIP_UNLESS_HERE("newest-redis", "newest-redis");
  run(vector_set_body("newest-redis", true));
}

TEST_F(peculiar_source, a_vector_set_is_refused_by_name_elsewhere) {
  SKIP_UNLESS_HERE("newest-redis", "newest-valkey");
  run(vector_set_body("newest-valkey", false));
}

}  // namespace
}  // namespace lockstep::engine
