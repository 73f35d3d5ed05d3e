// Cuts at a position: a real engine, real servers, and writes that go on all the time.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <thread>

#include "fixtures/cluster_builder.h"
#include "fixtures/poll_until.h"
#include "sync/net/client.h"
#include "sync/net/http_client.h"
#include "verifier/engine_control.h"
#include "verifier/test_sync.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

class Position : public TwoSidesAndEngine {
 protected:
  void expect_equal_under_load() {
    const auto writer = write();
    for (int i = 0; i < 4; ++i) {
      const VerifyReport report = verify(options_with(CutMode::position));
      EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
      EXPECT_EQ(report.cut, "position");
      EXPECT_EQ(report.source.positions.size(), source_->primaries().size());
      EXPECT_EQ(report.target.positions.size(), target_->primaries().size());
      ASSERT_TRUE(report.engine);
      EXPECT_GT(report.engine->holds, 0u);
      EXPECT_LT(report.engine->hold_longest, report.engine->hold_max);
    }
    EXPECT_FALSE(engine_status()["held"]);
  }

  /// A coroutine in a thread of its own; joined at the end.
  class Meanwhile {
   public:
    explicit Meanwhile(std::function<asio::awaitable<void>()> task) : task_(std::move(task)) {}
    ~Meanwhile() { thread_.join(); }
    Meanwhile(const Meanwhile&) = delete;
    Meanwhile& operator=(const Meanwhile&) = delete;

   private:
    std::function<asio::awaitable<void>()> task_;
    std::thread thread_{[this] {
      asio::io_context io;
      asio::co_spawn(io, task_(), asio::detached);
      io.run();
    }};
  };

  /// The target, which holds `keys` keys, cannot fork for anybody else for so long.
  void delay_forks(int keys, milliseconds time) {
    await(await_no_save(target()));  // of an earlier call
    const std::string each_us = std::to_string(time.count() * 1000 / keys);
    on_target({"CONFIG", "SET", "rdb-key-save-delay", each_us});
    on_target({"BGSAVE"});
    on_target({"CONFIG", "SET", "rdb-key-save-delay", "0"});
  }
  static asio::awaitable<void> await_no_save(net::Endpoint server) {
    const auto probe = [server]() -> asio::awaitable<std::string> {
      const auto client = co_await net::Client::connect(server);
      std::vector<std::string> request{"INFO", "persistence"};
      const resp::Value info = co_await client->command_or_throw(std::move(request));
      const bool idle = info.text.find("rdb_bgsave_in_progress:0") != std::string::npos;
      co_return idle ? "" : "a save is going on";
    };
    co_await fixtures::poll_until(std::chrono::seconds(20), "the end of the save", probe);
  }
  /// Until the hold's number of this name is not 0.
  asio::awaitable<void> await_hold(std::string number) {
    const auto probe = [this, number]() -> asio::awaitable<std::string> {
      net::HttpRequest request{.address = control(), .target = "/status"};
      const net::HttpAnswer answer = co_await net::ask_http(std::move(request));
      co_return nlohmann::json::parse(answer.body)["hold"][number] == 0 ? "not yet" : "";
    };
    co_await fixtures::poll_until(std::chrono::seconds(20), number, probe);
  }
  asio::awaitable<void> hold_by_hand(milliseconds lease) {
    EngineControl engine(control(), lease);
    co_await engine.hold();
  }
  std::unique_ptr<fixtures::Deployment> start_third() {
    std::unique_ptr<fixtures::Deployment> third;
    await(start_third(third));
    return third;
  }
  asio::awaitable<void> start_third(std::unique_ptr<fixtures::Deployment>& third) {
    fixtures::DeploymentOptions options = target_->options();
    options.name = "third";
    third = co_await fixtures::Deployment::start(io_.get_executor(), addresses_, directory_.path(),
                                                 options);
  }
  asio::awaitable<void> kill_when_held(pid_t engine) {
    co_await await_hold("id");
    kill(engine, SIGKILL);
  }
  static std::string found_note(const VerifyReport& report, const std::string& beginning) {
    for (const std::string& note : report.notes) {
      if (note.starts_with(beginning)) return note;
    }
    return "";
  }
};

TEST_F(Position, StandaloneUnderLoadIsEqual) {
  start();
  fill(50);
  start_engine();
  expect_equal_under_load();
}

TEST_F(Position, StandaloneIntoAClusterUnderLoadIsEqual) {
  start(Topology::standalone, Topology::cluster);
  fill(50);
  start_engine();
  expect_equal_under_load();
}

TEST_F(Position, ClusterIntoAClusterUnderLoadIsEqual) {
  start(Topology::cluster, Topology::cluster);
  fill(50);
  start_engine();
  expect_equal_under_load();
}

TEST_F(Position, ExactExpiriesUnderLoadAreEqual) {
  start();
  start_engine({"--expiry", "exact"});
  expect_equal_under_load();
  EXPECT_EQ(engine_status()["expiry"], "exact");
}

/// Nothing of the load is reported, and nothing of what was planted is missed.
TEST_F(Position, PlantedDifferencesUnderLoadAreFound) {
  start();
  fill(50);
  on_source({"SET", "lasting", "v"});
  on_source({"PEXPIREAT", "lasting", "4000000000000"});
  start_engine();
  const auto writer = write();
  on_target({"DEL", "still3"});
  on_target({"LSET", "still4", "1", "other"});
  on_target({"SET", "more", "x"});
  on_target({"PERSIST", "lasting"});
  on_target({"DEL", "still5"});
  on_target({"SADD", "still5", "a"});
  for (int i = 0; i < 2; ++i) {
    const VerifyReport report = verify(options_with(CutMode::position));
    EXPECT_EQ(found(report),
              "expiry lasting, extra more, missing still3, type still5, value still4");
    EXPECT_EQ(report.cut, "position");
  }
}

/// The engine writes it right now and then, and somebody writes it wrong all the time.
TEST_F(Position, AKeyThatChangesAllTheTimeIsToldToo) {
  start();
  start_engine();
  const Writer writer({source(), target()}, [](int round) -> std::vector<Writer::Request> {
    std::vector<Writer::Request> requests{{1, {"SET", "key", "x"}}};
    if (round % 100 == 0) requests.push_back({0, {"SET", "key", std::to_string(round)}});
    return requests;
  });
  await_key(target(), "key");
  const VerifyReport report = verify(options_with(CutMode::position));
  EXPECT_EQ(found(report), "value key");
}

/// They change all the time, and are the same at one position.
TEST_F(Position, FunctionsAreReadAtAPosition) {
  start();
  if (source_->options().spec.commands < 700 || target_->options().spec.commands < 700)
    GTEST_SKIP() << "these servers know no functions";
  start_engine();
  const auto library = [](const std::string& name, int result) {
    return "#!lua name=" + name + "\nredis.register_function('" + name + "', function() return " +
           std::to_string(result) + " end)";
  };
  const Writer writer({source()}, [&](int round) -> std::vector<Writer::Request> {
    return {{0, {"FUNCTION", "LOAD", "REPLACE", library("busy", round)}},
            {0, {"INCR", "count"}},
            {0, {"PING"}}};
  });
  ask_until(target(), {"FUNCTION", "LIST"},
            [](const resp::Value& libraries) { return !libraries.items.empty(); });
  for (int i = 0; i < 3; ++i) {
    const VerifyReport report = verify(options_with(CutMode::position));
    EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    EXPECT_EQ(report.libraries_compared, 1u);
    EXPECT_EQ(report.cut, "position");
  }
  on_target({"FUNCTION", "LOAD", library("more", 1)});
  EXPECT_EQ(found(verify(options_with(CutMode::position))), "function more");
}

TEST_F(Position, TheGraceIsTheEngines) {
  start();
  for (int i = 0; i < 20; ++i) {
    on_source({"SET", numbered("k", i), "v"});
    on_source({"PEXPIREAT", numbered("k", i), "4000000000000"});
  }
  start_engine({"--expiry-grace", "90s"});
  const VerifyReport report = verify(options_with(CutMode::position));
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  EXPECT_EQ(report.expiry_grace, milliseconds(90000));
  EXPECT_EQ(report.engine->expiry, "replica");
  EXPECT_EQ(verify(options()).counts[static_cast<size_t>(DiffClass::expiry)], 20u);
}

/// The target takes longer for its snapshot than the engine may be held: the bound ends the hold.
TEST_F(Position, AHoldBeyondItsBoundIsDoneAgain) {
  start();
  fill(20);
  start_engine();
  await_caught_up();
  delay_forks(20, milliseconds(2500));
  VerifyOptions changed = options_with(CutMode::position);
  changed.max_hold = milliseconds(1000);
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  EXPECT_GT(report.engine->cuts_failed, 0u);
  const nlohmann::json holds = engine_status()["hold"];
  EXPECT_GT(holds["expired"], 0);
  // By the engine's own clock: as long as the bound, and not as long as the target took.
  EXPECT_GE(holds["longest_ms"], 1000);
  EXPECT_LT(holds["longest_ms"], 2400);
}

TEST_F(Position, AnEngineThatDiesWhileHeldIsNoVerdict) {
  start();
  fill(20);
  for (const CutMode cut : {CutMode::position, CutMode::automatic}) {
    start_engine({"--existing", "overwrite"});
    await_caught_up();
    delay_forks(20, milliseconds(2500));
    const pid_t engine = engine_->pid();
    VerifyReport report;
    {
      const Meanwhile other([this, engine] { return kill_when_held(engine); });
      report = verify(options_with(cut));
    }
    engine_.reset();
    if (cut == CutMode::position) {
      EXPECT_EQ(report.verdict, Verdict::unknown);
      EXPECT_NE(report.problem.find("no cut at a position"), std::string::npos) << report.problem;
    } else {
      EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
      EXPECT_NE(report.cut, "position");
      EXPECT_NE(found_note(report, "not at a position"), "");
    }
  }
}

TEST_F(Position, WithoutAnEngineItIsRefusedOrSaid) {
  start();
  const VerifyReport strict = verify(options_with(CutMode::position));
  EXPECT_EQ(strict.verdict, Verdict::unknown);
  EXPECT_NE(strict.problem.find("engine"), std::string::npos) << strict.problem;
  const VerifyReport report = verify(options_with(CutMode::automatic));
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  EXPECT_NE(found_note(report, "the engine does not answer"), "");
}

/// An engine between other servers cannot tell a position of these, and must not be held for them.
TEST_F(Position, TheEngineOfOthersIsRefused) {
  start();
  start_engine();
  const auto third = start_third();
  VerifyOptions changed = options_with(CutMode::position);
  changed.from = third->urls();
  const VerifyReport report = verify(changed);
  EXPECT_EQ(report.verdict, Verdict::unknown);
  EXPECT_NE(report.problem.find("no link follows"), std::string::npos) << report.problem;
  EXPECT_FALSE(engine_status()["held"]);
  const nlohmann::json holds = engine_status()["hold"]["count"];
  for (const CutMode cut : {CutMode::position, CutMode::automatic}) {
    changed = options_with(cut);
    changed.to = third->urls();
    EXPECT_THROW(verify(changed), UserError);
  }
  EXPECT_EQ(engine_status()["hold"]["count"], holds);
}

/// It may not have yet what the engine has written.
TEST_F(Position, AReplicaOfTheTargetIsRefused) {
  start();
  start_engine();
  await_caught_up();
  const auto third = start_third();
  await(fixtures::replicate(*third->servers()[0], *target_->servers()[0]));
  VerifyOptions changed = options_with(CutMode::position);
  changed.to = third->urls();
  EXPECT_THROW(verify(changed), UserError);  // it is not what the engine writes to
}

/// What it holds up is no difference.
TEST_F(Position, AHoldOfSomebodyElseIsWaitedFor) {
  start();
  start_engine();
  await_caught_up();
  for (const CutMode cut : {CutMode::settle, CutMode::automatic}) {
    await(hold_by_hand(milliseconds(1500)));
    on_source({"INCR", "written once"});
    VerifyOptions changed = options_with(cut);
    changed.confirm_quiet = milliseconds(100);
    const VerifyReport report = verify(changed);
    EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
    EXPECT_EQ(report.cut == "position", cut == CutMode::automatic);
  }
}

TEST_F(Position, QuiescedMeansThatNothingIsWritten) {
  start();
  start_engine();
  EXPECT_EQ(verify(options_with(CutMode::quiesced)).verdict, Verdict::equal);
  const auto writer = write();
  const VerifyReport report = verify(options_with(CutMode::quiesced));
  EXPECT_EQ(report.verdict, Verdict::unknown);
  EXPECT_NE(report.problem.find("something was written"), std::string::npos) << report.problem;
}

TEST_F(Position, TheCommand) {
  start();
  fill(20);
  start_engine();
  const Words sides{"verify", "--from", url(source()), "--to", url(target())};
  const auto with = [&](const Words& more) {
    Words all = sides;
    all.insert(all.end(), more.begin(), more.end());
    return lockstep(all);
  };
  EXPECT_EQ(with({"--cut", "position", "--engine", control()}), 0) << output();
  EXPECT_NE(output().find("held 2 times"), std::string::npos) << output();
  EXPECT_NE(output().find("snapshot, position"), std::string::npos) << output();
  EXPECT_EQ(with({"--cut", "position"}), 254) << output();
  EXPECT_EQ(with({"--cut", "exactly"}), 254) << output();
  EXPECT_EQ(with({"--cut", "position", "--engine", control(), "--read", "scan"}), 0) << output();
  EXPECT_NE(output().find("scan, position"), std::string::npos) << output();
  EXPECT_EQ(with({"--cut", "position", "--engine", control(), "--read", "scan", "--state", "x"}),
            254)
      << output();
  EXPECT_EQ(with({"--cut", "position", "--engine", "nowhere"}), 254) << output();
}

}  // namespace
}  // namespace lockstep::verifier
