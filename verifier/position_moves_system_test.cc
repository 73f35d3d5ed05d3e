// Slots that stay half moved from one node to another, at a position.

#include <set>
#include <thread>

#include "fixtures/poll_until.h"
#include "fixtures/run_files.h"
#include "sync/net/http_client.h"
#include "verifier/test_sync.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

class PositionMoves : public TwoSidesAndEngine {
 protected:
  /// Until the engine has been held so often.
  asio::awaitable<void> await_holds(int count) {
    const auto probe = [this, count]() -> asio::awaitable<std::string> {
      net::HttpRequest request{.address = control(), .target = "/status"};
      const net::HttpAnswer answer = co_await net::ask_http(std::move(request));
      const int held = nlohmann::json::parse(answer.body)["hold"]["count"];
      co_return held < count ? "held less often" : "";
    };
    co_await fixtures::poll_until(std::chrono::seconds(20), "the holds", probe);
  }
  void start_with_moving_keys() {
    start(Topology::cluster, Topology::cluster);
    fill(50);
    for (int i = 0; i < 5; ++i)
      ask(owner(*source_, "{moving}"), {"RPUSH", numbered("{moving}", i), "v"});
  }
  /// By snapshot, by SCAN and by name, while all else is written.
  void expect_only_moving_keys_unverifiable() {
    const auto writer = write();
    ask(owner(*target_, "still3"), {"DEL", "still3"});
    ask(owner(*target_, "still4"), {"LSET", "still4", "1", "other"});
    ask(owner(*target_, "more"), {"SET", "more", "x"});
    VerifyOptions how = options_with(CutMode::position);
    how.settle = milliseconds(500);
    for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
      how.read = mode;
      expect_only_moving_keys_unverifiable(how);
    }
    how.scope.keys = (directory_.path() / "names").string();
    fixtures::write_text(how.scope.keys,
                         "{moving}0\n{moving}1\n{moving}2\nstill3\n{moving}3\nstill4\nmore\n"
                         "{moving}4\nstill5\n{moving}0\n");
    expect_only_moving_keys_unverifiable(how);
    EXPECT_FALSE(engine_status()["held"]);
  }
  static void expect_only_moving_keys_unverifiable(const VerifyOptions& how) {
    const VerifyReport report = verify(how);
    EXPECT_EQ(found(report), "extra more, missing still3, value still4");
    EXPECT_EQ(report.cut, "position");
    std::set<std::string> keys;
    for (const Unverifiable& each : report.unverifiable) {
      keys.insert(each.key);
      EXPECT_NE(each.reason.find("is half moved"), std::string::npos) << each.reason;
    }
    const std::set<std::string> moving{"{moving}0", "{moving}1", "{moving}2", "{moving}3",
                                       "{moving}4"};
    EXPECT_EQ(keys, moving);
    EXPECT_EQ(report.unverifiable_count, moving.size());
    EXPECT_EQ(report.flapping, 0u);
  }
};

TEST_F(PositionMoves, ASlotThatIsHalfMoved) {
  start_with_moving_keys();
  move_slot(*source_, "{moving}", false);
  start_engine();
  expect_only_moving_keys_unverifiable();
}

TEST_F(PositionMoves, ASlotOfTheTargetThatIsHalfMoved) {
  start_with_moving_keys();
  start_engine();
  move_slot(*target_, "{moving}", false);
  expect_only_moving_keys_unverifiable();
}

/// Its keys are waited for.
TEST_F(PositionMoves, ASlotOfTheTargetThatIsMovedAtLast) {
  start_with_moving_keys();
  start_engine();
  move_slot(*target_, "{moving}", false);
  ask(owner(*target_, "still3"), {"DEL", "still3"});
  VerifyReport report;
  std::thread check([&] { report = verify(options_with(CutMode::position)); });
  await(await_holds(3));  // the cut's, and those in which its keys were asked for
  finish_move(*target_, "{moving}");
  check.join();
  EXPECT_EQ(found(report), "missing still3");
  EXPECT_EQ(report.cut, "position");
  EXPECT_EQ(report.unverifiable_count, 0u);
}

}  // namespace
}  // namespace lockstep::verifier
