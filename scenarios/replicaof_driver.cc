#include "scenarios/replicaof_driver.h"

#include "fixtures/poll_until.h"
#include "scenarios/server_facts.h"

namespace lockstep::scenarios {

using Words = std::vector<std::string>;

asio::awaitable<void> ReplicaofDriver::start() {
  const net::Endpoint& source = context_.from->primaries().front()->endpoint();
  for (const fixtures::Deployment* target : context_.to) {
    Words words{"SLAVEOF", source.host, std::to_string(source.port)};
    co_await ask_server(target->primaries().front()->endpoint(), words);
  }
  // Old servers connect a second later: what is written from now on must be theirs to follow.
  std::string what = "the beginning of the replica's copy";
  co_await fixtures::poll_until(context_.start_limit, what, [this] { return why_not_begun(); });
}

asio::awaitable<std::string> ReplicaofDriver::why_not_begun() {
  for (const fixtures::Deployment* target : context_.to) {
    auto fields = co_await info_of(target->primaries().front()->endpoint(), "replication");
    if (fields["master_link_status"] != "up" && fields["master_sync_in_progress"] != "1")
      co_return "the replica has not begun";
  }
  co_return "";
}

asio::awaitable<std::string> ReplicaofDriver::why_not_caught_up() {
  const int64_t wanted =
      co_await replication_offset(context_.from->primaries().front()->endpoint());
  for (const fixtures::Deployment* target : context_.to) {
    auto fields = co_await info_of(target->primaries().front()->endpoint(), "replication");
    if (fields["master_link_status"] != "up") co_return "the replica's link is not up";
    // The primary's pings move the offset on: at or past what we saw is enough.
    if (std::stoll("0" + fields["slave_repl_offset"]) < wanted) co_return "the replica is behind";
  }
  co_return "";
}

asio::awaitable<void> ReplicaofDriver::finish(std::chrono::milliseconds limit) {
  std::string what = "the replica's catching up";
  co_await fixtures::poll_until(limit, what, [this] { return why_not_caught_up(); });
  Words words{"SLAVEOF", "NO", "ONE"};
  for (const fixtures::Deployment* target : context_.to)
    co_await ask_server(target->primaries().front()->endpoint(), words);
}

}  // namespace lockstep::scenarios
