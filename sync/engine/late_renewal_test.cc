// A key, or a field of a hash, that the target's own clock has removed before the source's renewal
// came.

#include "fixtures/poll_until.h"
#include "sync/engine/test_source_versions.h"

namespace lockstep::engine {
namespace {

using std::chrono::seconds;

class late_renewal : public VersionTest {
 protected:
  static bool lacking(const std::string& name) { return !why_missing(server(name)).empty(); }

  asio::awaitable<void> fields_body(std::string version) {
    co_await start_pair(server(version), server(version), "");
    const std::vector<std::string> renewals{
        "HPEXPIREAT h0 4102444900000 FIELDS 1 f",
        "HPERSIST h1 FIELDS 1 f",
        "HGETEX h2 PXAT 4102444900000 FIELDS 1 f",
        "HSETEX h3 FXX PXAT 4102444900000 FIELDS 1 f x",
        "MULTI\nSET a 1\nHPEXPIREAT h4 4102444900000 FIELDS 2 g f\nEXEC",
        "MULTI\nSET a 2\nHSETEX h5 FXX FIELDS 1 f x\nEXEC",
        "MULTI\nHPERSIST h6 FIELDS 1 f\nHPERSIST h7 FIELDS 1 f\nEXEC"};
    constexpr int hashes = 8;
    for (int i = 0; i < hashes; ++i) {
      const std::string key = "h" + std::to_string(i);
      co_await write("HSET " + key + " f v g w");
      co_await write("HPEXPIREAT " + key + " 4102444800000 FIELDS 1 f");
    }
    co_await begin(pair_options());
    for (int i = 0; i < hashes; ++i) {
      const std::string key = "h" + std::to_string(i);
      // A hash goes as a whole only where all of its fields have expired.
      const std::string removal = i == 1 || i == 7 ? "DEL " + key : "HDEL " + key + " f";
      co_await say(target_->client_endpoint(), removal);
    }
    for (const std::string& renewal : renewals)
      co_await say_together(source_->client_endpoint(), renewal);
    co_await expect_equal();
  }

  /// Servers up to 6.2 send a single command of a transaction as a transaction.
  asio::awaitable<void> transaction_of_one_body() {
    co_await start_pair(server("first-with-acl"), server("newest"), "");
    co_await write("SET a 1");
    co_await begin(pair_options());
    co_await say(target_->client_endpoint(), "DEL a");
    co_await say_together(source_->client_endpoint(), "MULTI\nPEXPIREAT a 4102444800000\nEXEC");
    co_await expect_equal();
  }

  /// Servers up to 6.2 replicate what is left to live: it counts from when it came, however long
  /// the target is held.
  asio::awaitable<void> relative_body() {
    co_await start_pair(server("first-with-acl"), server("newest"), "");
    co_await write("SET a 1");
    co_await begin(pair_options());
    co_await running_->engine().hold();
    co_await write("INCR held");
    co_await await_received();
    co_await write("EXPIRE a 1000");
    co_await fixtures::poll_until(seconds(30), "some of its time to pass",
                                  [this]() -> asio::awaitable<std::string> {
                                    const resp::Value left = co_await write("PTTL a");
                                    co_return left.integer < 997'000 ? "" : "not yet";
                                  });
    running_->engine().release();
    co_await running_->await_applied(source_->client_endpoint());
    const resp::Value there = co_await say(target_->client_endpoint(), "PTTL a");
    const resp::Value wanted = co_await write("PTTL a");
    EXPECT_NEAR(static_cast<double>(there.integer), static_cast<double>(wanted.integer), 1500);
  }
  asio::awaitable<void> await_received() {
    const resp::Value info = co_await write("INFO replication");
    const Offset offset = parse_info(info.text).master_repl_offset;
    co_await fixtures::poll_until(seconds(30), "the stream", [&]() -> asio::awaitable<std::string> {
      const LinkStatus link = running_->engine().status().links.front();
      co_return link.received_offset >= offset ? "" : "not yet";
    });
  }
};

TEST_F(late_renewal, of_what_is_left_to_live) {
  for (const char* name : {"first-with-acl", "newest"})
    if (lacking(name)) GTEST_SKIP() << "Skipped: " << why_missing(server(name));
  run(relative_body());
}

TEST_F(late_renewal, of_fields) {
  if (lacking("newest-redis")) GTEST_SKIP() << "Skipped: " << why_missing(server("newest-redis"));
  run(fields_body("newest-redis"));
}

TEST_F(late_renewal, of_fields_in_another_family) {
  if (lacking("newest")) GTEST_SKIP() << "Skipped: " << why_missing(server("newest"));
  run(fields_body("newest"));
}

TEST_F(late_renewal, in_a_transaction_of_one_command) {
  for (const char* name : {"first-with-acl", "newest"})
    if (lacking(name)) GTEST_SKIP() << "Skipped: " << why_missing(server(name));
  run(transaction_of_one_body());
}

}  // namespace
}  // namespace lockstep::engine
