// `lockstep certify` as users have it: a small matrix of real servers, stopped and gone on with,
// and what it refuses.

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <filesystem>

#include "fixtures/capabilities.h"
#include "fixtures/catalogue.h"
#include "fixtures/child.h"
#include "fixtures/poll_until.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "scenarios/certify/certificate_json.h"
#include "scenarios/module_values.h"

namespace lockstep::scenarios::certify {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Ended = fixtures::Outcome;
using fixtures::read_text;
using fixtures::write_text;
using Words = std::vector<std::string>;

class certify_matrix : public testing::Test {
 protected:
  Ended certify(Words args) {
    args.insert(args.begin(), "certify");
    args.insert(args.end(), {"--out", out()});
    Ended outcome;
    const auto body = [&]() -> asio::awaitable<void> {
      outcome = co_await fixtures::run_lockstep(args, std::chrono::seconds(240));
    };
    fixtures::run(body());
    return outcome;
  }
  void expect_refusal(const Words& args, const std::string& words) {
    const Ended outcome = certify(args);
    EXPECT_EQ(outcome.status, 254) << outcome.out << outcome.err;
    EXPECT_NE(outcome.err.find(words), std::string::npos) << outcome.err;
  }
  std::string file(const char* name, const std::string& text) {
    write_text(directory_.path() / name, text);
    return directory_.path() / name;
  }
  std::string out() const { return directory_.path() / "out"; }
  Certificate certificate() const { return read_certificate(out()); }
  static bool here(const Words& names) {
    return std::all_of(names.begin(), names.end(), [](const std::string& name) {
      return fixtures::locate(fixtures::find_server(name)).has_value();
    });
  }

  fixtures::TemporaryDirectory directory_;
};

std::string outcome_text(const Cell& cell) {
  std::string text =
      cell.from + " into " + cell.to + ": " + outcome_words(cell.outcome) + " " + cell.reason;
  for (const Finding& finding : cell.findings) text += "; " + finding.reason;
  return text;
}

/// By the answers of the servers.
Words what_is_lost(const Cell& cell) {
  const auto from = fixtures::capabilities_of(fixtures::find_server(cell.from));
  const auto to = fixtures::capabilities_of(fixtures::find_server(cell.to));
  Words lost;
  for (const auto& [ability, words] : {std::pair{"streams", "streams"},
                                       {"functions", "libraries of functions"},
                                       {"field-expiry", "hashes with fields that expire"}}) {
    if (from.has(ability) && !to.has(ability)) lost.emplace_back(words);
  }
  const auto lacks = [&](const std::string& module) {
    return std::find(to.modules.begin(), to.modules.end(), module) == to.modules.end();
  };
  const auto modules = with_values(from.modules);
  if (std::any_of(modules.begin(), modules.end(), lacks)) lost.emplace_back("values of modules");
  return lost;
}

TEST_F(certify_matrix, oldest_middle_and_newest_in_both_directions) {
  const Words names{"oldest", "before-functions", "newest"};
  if (!here(names)) GTEST_SKIP() << "Skipped: not all of oldest, before-functions, newest are here";
  const std::string list = names[0] + "," + names[1] + "," + names[2];
  const Ended outcome = certify(
      {"--from", list, "--to", list, "--families", "expiry,streams,functions,transactions,lua"});
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const Certificate made = certificate();
  ASSERT_EQ(made.cells.size(), 9u);
  EXPECT_EQ(made.servers.size(), 3u);
  for (const Cell& cell : made.cells) {
    const auto lost = what_is_lost(cell);
    EXPECT_EQ(cell.outcome, lost.empty() ? Outcome::certified : Outcome::certified_with_losses)
        << outcome_text(cell);
    for (const std::string& what : lost)
      EXPECT_TRUE(std::any_of(cell.losses.begin(), cell.losses.end(),
                              [&](const Loss& loss) { return loss.what == what; }))
          << what << ": " << outcome_text(cell);
    EXPECT_EQ(cell.attempts, 1u);
    EXPECT_GE(cell.passed, cell.families.size()) << outcome_text(cell);
    EXPECT_EQ(cell.families.size() + cell.skipped_families.size(), 5u) << outcome_text(cell);
  }
  for (const char* name : {"certificate.md", "junit.xml"})
    EXPECT_GT(read_text(fs::path(out()) / name).size(), 0u) << name;
  EXPECT_FALSE(fs::exists(fs::path(out()) / "servers"));
}

TEST_F(certify_matrix, clusters) {
  const Words args{"--from",     "default", "--to",       "default",
                   "--topology", "cluster", "--families", "strings"};
  const Ended outcome = certify(args);
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const Certificate made = certificate();
  ASSERT_EQ(made.cells.size(), 1u);
  EXPECT_EQ(made.cells[0].outcome, Outcome::certified) << outcome_text(made.cells[0]);
}

/// Both sides can have databases in a cluster, and do; where one cannot, none are written.
TEST_F(certify_matrix, clusters_with_databases) {
  if (!here({"newest-valkey"})) GTEST_SKIP() << "Skipped: the newest Valkey is not here";
  const Ended outcome = certify({"--from", "newest-valkey", "--to", "newest-valkey,default",
                                 "--topology", "cluster", "--families", "databases"});
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const Certificate made = certificate();
  ASSERT_EQ(made.cells.size(), 2u);
  for (const Cell& cell : made.cells) {
    const bool both = cell.from == cell.to;
    EXPECT_EQ(cell.outcome, both ? Outcome::certified : Outcome::unsupported) << outcome_text(cell);
    EXPECT_EQ(cell.families.size(), both ? 1u : 0u) << outcome_text(cell);
    EXPECT_EQ(cell.reason.find("has one database") != std::string::npos, !both) << cell.reason;
  }
}

TEST_F(certify_matrix, one_that_was_killed_goes_on_where_it_was) {
  const Words args{"--from",     "default", "--to",   "default", "--topology", "standalone,cluster",
                   "--families", "strings", "--jobs", "1"};
  const auto kill_after_a_cell = [&]() -> asio::awaitable<void> {
    fixtures::ChildOptions options;
    options.program = fixtures::program_under_test();
    options.args = args;
    options.args.insert(options.args.begin(), "certify");
    options.args.insert(options.args.end(), {"--out", out()});
    options.output = directory_.path() / "first";
    fixtures::Child child(co_await asio::this_coro::executor, options);
    const auto why_not_one = [&]() -> asio::awaitable<std::string> {
      const bool written = fs::exists(fs::path(out()) / "certificate.json");
      co_return written && !certificate().cells.empty() ? "" : "no cell is done";
    };
    co_await fixtures::poll_until(std::chrono::seconds(60), "the first cell", why_not_one);
    child.signal(SIGKILL);
    co_await child.wait(std::chrono::seconds(10));
  };
  fixtures::run(kill_after_a_cell());
  const Certificate before = certificate();
  ASSERT_EQ(before.cells.size(), 1u);
  EXPECT_EQ(before.ended, "");
  expect_refusal({"--from", "default", "--to", "default", "--families", "strings"}, "--topology");

  const Ended outcome = certify(args);
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const Certificate after = certificate();
  ASSERT_EQ(after.cells.size(), 2u);
  EXPECT_EQ(after.started, before.started);
  EXPECT_NE(after.ended, "");
  EXPECT_EQ(after.cells[0].seconds, before.cells[0].seconds) << "it was run again";
}

TEST_F(certify_matrix, what_cannot_be_asked_for) {
  expect_refusal({"--from", "newst"}, "\"newest\"");
  expect_refusal({"--from", "twemproxy"}, "proxy");
  expect_refusal({"--shard", "2/2"}, "i/n");
  expect_refusal({file("m.yaml", "version: 1\nfamilies: [string]\n")}, "\"strings\"");
  expect_refusal({file("n.yaml", "version: 1\ntopolgy: cluster\n")}, "n.yaml:2:1");
  write_text(directory_.path() / "out", "no directory");
  EXPECT_EQ(certify({"--from", "default", "--to", "default", "--families", "strings"}).status, 2);
}

TEST_F(certify_matrix, without_a_possible_cell) {
  if (!here({"oldest"})) GTEST_SKIP() << "Skipped: the oldest server is not here";
  expect_refusal({"--from", "oldest", "--to", "oldest", "--topology", "cluster"}, "no cluster");
}

TEST_F(certify_matrix, a_program_that_does_not_start_is_not_certified_and_its_words_are_told) {
  const std::string program = file("broken",
                                   "#!/bin/sh\n"
                                   "case $1 in --version) echo 'Redis server v=7.0.99 sha=0' ;;\n"
                                   "*) echo 'the tea is cold'; exit 1 ;; esac\n");
  fs::permissions(program, fs::perms::owner_all);
  const Ended outcome = certify({"--server", "broken=" + program, "--from", "broken", "--to",
                                 "default", "--families", "strings"});
  EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("the tea is cold"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace lockstep::scenarios::certify
