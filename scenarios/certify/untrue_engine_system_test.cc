// `lockstep certify` with an engine that loses a write, and with one that crashes: what comes of
// it, from the case to the exit code and the files that people read.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <filesystem>

#include "fixtures/child.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "scenarios/certify/certificate_json.h"

namespace lockstep::scenarios::certify {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using fixtures::read_text;

/// What stands in the engine's place: all that is not `sync` is the program's own work. `$real` is
/// the program, `$to` the target, and file 3 a connection to it.
constexpr const char* beginning =
    "#!/bin/bash\n"
    "ulimit -c 0\n"
    "[ \"$1\" = sync ] || exec \"$real\" \"$@\"\n"
    "for word; do [ \"$before\" = --to ] && to=${word#redis://}; before=$word; done\n"
    "exec 3<>\"/dev/tcp/${to%:*}/${to##*:}\"\n";

/// After a run that went well a string is gone from the target.
constexpr const char* loses_a_write =
    "\"$real\" \"$@\" || exit\n"
    "for n in {0..23}; do\n"
    "  printf 'PTTL str:%s\\r\\n' $n >&3\n"
    "  read -r ttl <&3\n"
    "  [[ $ttl == :-1* ]] || continue\n"
    "  printf 'DEL str:%s\\r\\n' $n >&3\n"
    "  read -r deleted <&3\n"
    "  exit 0\n"
    "done\n";

/// Killed as soon as the target has a key of the copy.
constexpr const char* crashes =
    "\"$real\" \"$@\" 3>&- &\n"
    "size=:0\n"
    "while [[ $size == :0* ]] && kill -0 $!; do printf 'DBSIZE\\r\\n' >&3; read -r size <&3; done\n"
    "kill -ABRT $!\n"
    "wait $!\n";

/// The target is made to crash, and nothing else is done.
constexpr const char* crashes_the_target =
    "printf 'DEBUG SEGFAULT\\r\\n' >&3\n"
    "sleep 1\n"
    "exit 1\n";

class untrue_engine : public testing::Test {
 protected:
  /// Its exit status; -1: it did not end.
  int certify(const char* deed) {
    const fs::path real = fixtures::program_under_test(), engine = directory_.path() / "engine";
    fixtures::write_text(engine, std::string(beginning) + deed);
    fs::permissions(engine, fs::perms::owner_all);
    const auto body = [&]() -> asio::awaitable<int> {
      fixtures::ChildOptions options;
      options.program = "/usr/bin/env";
      options.args = {"real=" + real.string(),
                      "LOCKSTEP_BINARY=" + engine.string(),
                      real,
                      "certify",
                      "--from",
                      "default",
                      "--to",
                      "default",
                      "--families",
                      "strings",
                      "--out",
                      out()};
      options.output = directory_.path() / "said";
      fixtures::Child child(co_await asio::this_coro::executor, options);
      co_return (co_await child.wait(std::chrono::seconds(200))).value_or(-1);
    };
    return fixtures::run(body());
  }
  fs::path out() const { return directory_.path() / "out"; }
  std::string said() const { return read_text(directory_.path() / "said"); }
  Cell only_cell() const {
    const Certificate made = read_certificate(out());
    EXPECT_EQ(made.cells.size(), 1u);
    return made.cells.at(0);
  }
  /// Where the case was kept: "lockstep run DIRECTORY/scenario.yaml --seed N".
  static fs::path kept(const Finding& finding) {
    const std::string run = "lockstep run ";
    EXPECT_TRUE(finding.reproduction.starts_with(run)) << finding.reproduction;
    return fs::path(finding.reproduction.substr(run.size(),
                                                finding.reproduction.find(" --seed") - run.size()))
        .parent_path();
  }

  fixtures::TemporaryDirectory directory_;
};

TEST_F(untrue_engine, that_loses_a_write_fails_the_cell) {
  EXPECT_EQ(certify(loses_a_write), 1) << said();
  const Cell cell = only_cell();
  EXPECT_EQ(cell.outcome, Outcome::failed);
  ASSERT_EQ(cell.findings.size(), 1u) << said();
  EXPECT_EQ(cell.findings[0].verdict, "fail");
  EXPECT_NE(cell.findings[0].reason.find("1 missing"), std::string::npos)
      << cell.findings[0].reason;
  EXPECT_EQ(cell.findings[0].control, "pass") << "the servers themselves lose nothing";
  EXPECT_TRUE(fs::exists(kept(cell.findings[0]) / "commands.redis"));
  const std::string junit = read_text(out() / "junit.xml");
  EXPECT_NE(junit.find("failures=\"1\""), std::string::npos) << junit;
  EXPECT_NE(junit.find("<failure message=\"verify "), std::string::npos) << junit;
  EXPECT_NE(read_text(out() / "certificate.md").find("## Findings"), std::string::npos);
}

TEST_F(untrue_engine, that_crashes_certifies_nothing_and_is_not_forgotten) {
  EXPECT_EQ(certify(crashes), 2) << said();
  const Cell cell = only_cell();
  EXPECT_EQ(cell.outcome, Outcome::not_certified);
  ASSERT_EQ(cell.findings.size(), 1u) << said();
  EXPECT_EQ(cell.findings[0].verdict, "unknown");
  EXPECT_FALSE(cell.findings[0].environment);
  EXPECT_NE(cell.findings[0].reason.find("the engine ended"), std::string::npos)
      << cell.findings[0].reason;
  EXPECT_GT(read_text(kept(cell.findings[0]) / "sync-1.log").size(), 0u);
  EXPECT_NE(read_text(out() / "junit.xml").find("<error message=\"not certified"),
            std::string::npos);
  // The same command again does not try until it is green.
  EXPECT_EQ(certify(crashes), 2) << said();
  EXPECT_EQ(only_cell().attempts, 1u);
  EXPECT_EQ(only_cell().seconds, cell.seconds);
}

TEST_F(untrue_engine, that_crashes_a_server_is_not_excused_by_the_crash) {
  EXPECT_EQ(certify(crashes_the_target), 2) << said();
  const Cell cell = only_cell();
  EXPECT_EQ(cell.outcome, Outcome::not_certified);
  ASSERT_EQ(cell.findings.size(), 1u) << said();
  const Finding& finding = cell.findings[0];
  EXPECT_NE(finding.crashed.find(" crashed by signal: 11"), std::string::npos) << finding.crashed;
  EXPECT_FALSE(finding.crashes_alone);
  EXPECT_TRUE(finding.control.ends_with("no crash in 3 plays of these commands"))
      << finding.control;
  EXPECT_EQ(cell.reason.find("by itself"), std::string::npos) << cell.reason;
  EXPECT_NE(cell.reason.find(" crashed in 1 ("), std::string::npos) << cell.reason;
}

}  // namespace
}  // namespace lockstep::scenarios::certify
