#include <filesystem>
#include <fstream>

#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

class Files : public TwoSides {
 protected:
  /// What the server at `endpoint` holds now, as a file of its own.
  std::filesystem::path backup(const net::Endpoint& endpoint, const std::string& name) {
    ask(endpoint, {"SAVE"});
    const std::string dir = ask(endpoint, {"CONFIG", "GET", "dir"}).items[1].text;
    const std::string file = ask(endpoint, {"CONFIG", "GET", "dbfilename"}).items[1].text;
    const std::filesystem::path path = directory_.path() / name;
    std::filesystem::copy_file(std::filesystem::path(dir) / file, path);
    return path;
  }
  VerifyReport check_files(std::vector<std::filesystem::path> from,
                           std::vector<std::filesystem::path> to) {
    VerifyOptions chosen = options();
    const auto urls = [](const std::vector<std::filesystem::path>& paths) {
      std::vector<std::string> result;
      for (const auto& path : paths) result.push_back("file:" + path.string());
      return result;
    };
    chosen.from = urls(from);
    if (!to.empty()) chosen.to = urls(to);
    return verify(chosen);
  }
  void fill() {
    for (int i = 0; i < 500; ++i) on_both({"SET", "k" + std::to_string(i), std::to_string(i)});
    on_both({"RPUSH", "list", "a", "b"});
    on_both({"ZADD", "zset", "1.5", "m"});
    on_both({"HSET", "hash", "f", "v"});
    on_both({"XADD", "stream", "1-1", "f", "v"});
    on_both({"SET", "big", std::string(3'000'000, 'x')});
    on_both({"PEXPIREAT", "k7", "33000000000000"});
  }
  static void overwrite(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
};

TEST_F(Files, ABackupAgainstALiveServer) {
  start();
  fill();
  const auto file = backup(source(), "whole.rdb");
  const VerifyReport equal = check_files({file}, {});
  EXPECT_EQ(equal.verdict, Verdict::equal) << equal.problem << found(equal);
  EXPECT_EQ(equal.compared, 505u);
  EXPECT_EQ(equal.source.keys, 505u);
  EXPECT_EQ(equal.source.nodes.front(), "file:" + file.string());
  EXPECT_EQ(equal.source.version, equal.target.version);
  on_target({"SET", "k1", "changed"});
  on_target({"DEL", "list"});
  on_target({"SET", "new", "x"});
  on_target({"ZADD", "zset", "2.5", "m"});
  on_target({"PEXPIREAT", "k7", "33000000009000"});
  on_target({"SETRANGE", "big", "2000000", "y"});
  const VerifyReport different = check_files({file}, {});
  EXPECT_EQ(found(different),
            "expiry k7, extra new, missing list, value big, value k1, value zset");
  on_target({"SELECT", "0"});
}

TEST_F(Files, TwoFilesAndSeveralShards) {
  start(fixtures::Topology::cluster, fixtures::Topology::standalone);
  std::vector<std::filesystem::path> shards;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "k" + std::to_string(i);
    ask(owner(*source_, key), {"SET", key, "v"});
    on_target({"SET", key, "v"});
  }
  on_target({"SET", "k9", "other"});
  std::set<std::string> seen;
  for (int i = 0; i < 300; ++i) {
    const net::Endpoint node = owner(*source_, "k" + std::to_string(i));
    if (seen.insert(node.label()).second)
      shards.push_back(backup(node, std::to_string(shards.size()) + ".rdb"));
  }
  EXPECT_EQ(shards.size(), 3u);
  const auto target_file = backup(target(), "target.rdb");
  EXPECT_EQ(found(check_files(shards, {})), "value k9");
  const VerifyReport report = check_files(shards, {target_file});
  EXPECT_EQ(found(report), "value k9");
  EXPECT_EQ(report.compared, 300u);
  EXPECT_EQ(report.cut, "quiesced");
  shards.push_back(shards.front());
  EXPECT_THROW(check_files(shards, {}), UserError);
}

TEST_F(Files, ABadFileIsSaidWithItsOffset) {
  start();
  fill();
  const auto file = backup(source(), "bad.rdb");
  const std::string whole = content(file);
  const auto problem = [&](const std::string& text) {
    overwrite(file, text);
    const VerifyReport report = check_files({file}, {});
    EXPECT_EQ(report.verdict, Verdict::unknown);
    EXPECT_NE(report.problem.find(file.string()), std::string::npos) << report.problem;
    return report.problem;
  };
  EXPECT_NE(problem(whole.substr(0, whole.size() / 2)).find("too early"), std::string::npos);
  EXPECT_NE(problem(whole.substr(0, whole.size() - 3)).find(std::to_string(whole.size() - 3)),
            std::string::npos);
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  EXPECT_NE(problem(damaged).find("offset"), std::string::npos);
  EXPECT_NE(problem("").find("offset 0"), std::string::npos);
  EXPECT_NE(problem("hello world, this is no file").find("no RDB file"), std::string::npos);
  EXPECT_NE(problem(whole + "*1\r\n$4\r\nPING\r\n").find("AOF"), std::string::npos);
  EXPECT_THROW(check_files({directory_.path() / "nowhere.rdb"}, {}), UserError);
}

}  // namespace
}  // namespace lockstep::verifier
