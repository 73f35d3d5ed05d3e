// The example of docs/fleet.md, as it stands there: a matrix in two parts on real servers, and what
// joins them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fixtures/catalogue.h"
#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "scenarios/certify/certificate_json.h"
#include "scenarios/certify/request.h"

namespace lockstep::scenarios::certify {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// The first example: the text of its matrix file, and the words behind each `lockstep`.
struct Example {
  std::string matrix;
  std::vector<Words> commands;
};

Words words_of(const std::string& line) {
  std::istringstream text(line.substr(0, line.find('#')));
  Words words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

Example read_example() {
  const std::string cat = "    $ cat certify.yaml", command = "    $ lockstep ";
  Example example;
  std::ifstream file("docs/fleet.md");
  bool in_matrix = false;
  for (std::string line; std::getline(file, line) && !line.starts_with("## ");) {
    if (line.starts_with(command))
      example.commands.push_back(words_of(line.substr(command.size())));
    in_matrix = (in_matrix && line.starts_with("    ")) || line == cat;
    if (in_matrix && line != cat) example.matrix += line.substr(4) + "\n";
  }
  return example;
}

/// Where the matrix file is, and the parts are to be.
Words below(const fs::path& directory, Words words) {
  for (std::string& word : words) {
    if (word == "certify.yaml" || word == "whole" || word.starts_with("part-"))
      word = directory / word;
  }
  if (words[0] == "certify") words.insert(words.end(), {"--families", "strings"});
  return words;
}

bool all_here(const RequestFlags& flags) {
  for (const auto* names : {&flags.from, &flags.to}) {
    for (const std::string& name : *names)
      if (!fixtures::locate(fixtures::find_server(name))) return false;
  }
  return true;
}

class Fleet : public ::testing::Test {
 protected:
  fixtures::Outcome lockstep(const Words& words) const {
    return fixtures::run(
        fixtures::run_lockstep(below(directory_.path(), words), std::chrono::seconds(120)));
  }

  const Example example_ = read_example();
  fixtures::TemporaryDirectory directory_;
};

TEST_F(Fleet, TheExampleWorks) {
  ASSERT_EQ(example_.commands.size(), 4u);
  if (!all_here(parse_matrix(example_.matrix, "docs/fleet.md")))
    GTEST_SKIP() << "Skipped: not all servers of docs/fleet.md are here";
  fixtures::write_text(directory_.path() / "certify.yaml", example_.matrix);
  for (const Words& words : example_.commands) {
    const fixtures::Outcome outcome = lockstep(words);
    EXPECT_EQ(outcome.status, 0) << words[0] << ": " << outcome.out << outcome.err;
  }
  const Certificate whole = read_certificate(directory_.path() / "whole");
  EXPECT_EQ(whole.request.parts, 1u);
  EXPECT_EQ(whole.cells.size(), whole.request.from.size() * whole.request.to.size());
  EXPECT_GE(whole.cells.size(), 4u);

  // Without one of its parts it is not certified.
  Words words = example_.commands.back();
  ASSERT_EQ(words[2], "part-0");
  words.erase(words.begin() + 3);
  const fixtures::Outcome outcome = lockstep(words);
  EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("part 2 of 2 is missing"), std::string::npos) << outcome.out;
}

/// The shell words of the pods of the Indexed Job, below `root`.
std::string pod_script(const fs::path& root) {
  const std::string begin = "args: ['";
  std::ifstream file("docs/fleet.md");
  for (std::string line; std::getline(file, line);) {
    const size_t at = line.find(begin + "lockstep certify");
    if (at == std::string::npos) continue;
    std::string script = line.substr(at + begin.size());
    script.resize(script.rfind("']"));
    for (const std::string path : {"/parts", "/matrix"})
      for (size_t i = 0; (i = script.find(" " + path, i)) != std::string::npos;
           i += root.string().size())
        script.insert(i + 1, root.string());
    return script;
  }
  return "exit 99";
}

/// A pod has done its work if it leaves a certificate, certified or not: the join shows it.
TEST_F(Fleet, APodOfKubernetesFailsOnlyWithoutACertificate) {
  const fs::path stub = directory_.path() / "bin/lockstep", part = directory_.path() / "parts/3";
  fixtures::make_directories(stub.parent_path());
  fixtures::make_directories(part);
  fixtures::write_text(stub, "#!/bin/sh\nexit $STATUS\n");
  fs::permissions(stub, fs::perms::owner_all);
  fixtures::write_text(directory_.path() / "pod", pod_script(directory_.path()));
  const auto succeeds = [&](int status) {
    const std::string words = "STATUS=" + std::to_string(status) +
                              " JOB_COMPLETION_INDEX=3 PATH=" + stub.parent_path().string() +
                              ":$PATH sh " + (directory_.path() / "pod").string();
    return std::system(words.c_str()) == 0;
  };
  EXPECT_FALSE(succeeds(2)) << "there is no certificate";
  fixtures::write_text(part / "certificate.json", "{}");
  for (const int status : {0, 1, 2}) EXPECT_TRUE(succeeds(status)) << status;
  for (const int status : {137, 254, 255}) EXPECT_FALSE(succeeds(status)) << status;
}

}  // namespace
}  // namespace lockstep::scenarios::certify
