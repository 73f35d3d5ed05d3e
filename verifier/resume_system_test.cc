#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "sync/base/error.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

class ResumeTest : public TwoSides {
 protected:
  std::filesystem::path file(const std::string& name) const { return directory_.path() / name; }

  std::vector<std::string> command(const std::string& read, const std::string& out) const {
    return {std::getenv("LOCKSTEP_BINARY"),
            "verify",
            "--from",
            url(source()),
            "--to",
            url(target()),
            "--read",
            read,
            "--report",
            file(out),
            "--quiet",
            "--settle",
            "2s"};
  }

  /// Runs it and kills it after that time; its exit code if it came to its end.
  static std::optional<int> run_for(std::vector<std::string> words,
                                    std::chrono::milliseconds limit) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      const int nothing = ::open("/dev/null", O_WRONLY);
      ::dup2(nothing, STDOUT_FILENO);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    const auto end = std::chrono::steady_clock::now() + limit;
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() >= end) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (WIFSIGNALED(status)) return std::nullopt;
    return WEXITSTATUS(status);
  }

  /// What two runs must agree on.
  std::string result(const std::string& out) const {
    std::ifstream file_of_report(file(out) / "report.json");
    nlohmann::json json = nlohmann::json::parse(file_of_report);
    for (const char* own : {"started", "notes", "duration_ms", "table_bytes_max", "spilled_bytes"})
      json.erase(own);
    std::ifstream lines(file(out) / "diff.jsonl");
    std::vector<std::string> sorted;
    for (std::string line; std::getline(lines, line);) sorted.push_back(line);
    std::sort(sorted.begin(), sorted.end());
    json["lines"] = sorted;
    return json.dump(1);
  }

  /// Equal but for 40 keys.
  void fill(int keys) {
    for (int i = 0; i < keys; ++i) on_both({"SET", "k" + std::to_string(i), "v"});
    for (int i = 0; i < 40; i += 2) on_target({"SET", "k" + std::to_string(i * 7), "other"});
    for (int i = 0; i < 20; ++i) on_source({"SADD", "s" + std::to_string(i), "v"});
    on_both({"SELECT", "3"});
    for (int i = 0; i < keys / 10; ++i) on_both({"SET", "third" + std::to_string(i), "v"});
    on_both({"SELECT", "0"});
  }
};

/// Killed again and again, it comes to the same end as one that is not disturbed.
TEST_F(ResumeTest, AKilledScanGoesOn) {
  start();
  fill(1500);
  const auto undisturbed = command("scan", "undisturbed");
  ASSERT_EQ(run_for(undisturbed, std::chrono::minutes(1)), 1);
  std::mt19937 random(5);
  auto words = command("scan", "killed");
  words.insert(words.end(),
               {"--state", file("state"), "--state-interval", "20ms", "--rate", "4000"});
  std::optional<int> code;
  int kills = 0;
  // More time with every kill: settling cannot be cut into less than half a second.
  while (!(code = run_for(words, std::chrono::milliseconds(150 + random() % 400 + kills * 30)))) {
    ++kills;
    ASSERT_LT(kills, 100) << "it never gets further";
  }
  EXPECT_EQ(*code, 1);
  EXPECT_GT(kills, 1);
  EXPECT_EQ(result("killed"), result("undisturbed"));
  EXPECT_FALSE(std::filesystem::exists(file("state")));
  EXPECT_FALSE(std::filesystem::exists(file("state.source")));
}

TEST_F(ResumeTest, AKilledSnapshotBeginsAgainAndSettlesOnce) {
  start();
  fill(1500);
  ASSERT_EQ(run_for(command("snapshot", "undisturbed"), std::chrono::minutes(1)), 1);
  auto words = command("snapshot", "killed");
  words.insert(words.end(), {"--state", file("state")});
  // Each gets a little more time than the one before.
  std::optional<int> code;
  for (int ms = 20; !code.has_value(); ms += 60) {
    code = run_for(words, std::chrono::milliseconds(ms));
    ASSERT_LT(ms, 60'000);
  }
  EXPECT_EQ(*code, 1);
  EXPECT_EQ(result("killed"), result("undisturbed"));
}

TEST_F(ResumeTest, AStateFileThatDoesNotFitIsRefused) {
  start();
  fill(300);
  auto words = command("scan", "out");
  words.insert(words.end(), {"--state", file("state"), "--state-interval", "1ms", "--rate", "30"});
  ASSERT_EQ(run_for(words, std::chrono::seconds(2)), std::nullopt);
  ASSERT_TRUE(std::filesystem::exists(file("state")));
  auto other = words;
  other.insert(other.end(), {"--match", "k*"});
  EXPECT_EQ(run_for(other, std::chrono::minutes(1)), 254);
  std::filesystem::resize_file(file("state"), std::filesystem::file_size(file("state")) - 1);
  EXPECT_EQ(run_for(words, std::chrono::minutes(1)), 254);
}

}  // namespace
}  // namespace lockstep::verifier
