#include <boost/property_tree/xml_parser.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "verifier/base64.h"
#include "verifier/report_json.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

class Output : public TwoSides {
 protected:
  std::filesystem::path out() const { return directory_.path() / "out"; }
  int verify_into_out() {
    return lockstep({"verify", "--from", url(source()), "--to", url(target()), "--report", out()});
  }
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> result;
    std::ifstream file(out() / "diff.jsonl");
    for (std::string line; std::getline(file, line);) result.push_back(nlohmann::json::parse(line));
    return result;
  }
};

const std::vector<std::string> odd_keys{"plain",
                                        "",
                                        "-h",
                                        "two words",
                                        "it's \"$HOME\" `x` !! \\n %s",
                                        "\\x41",
                                        "tab\tnewline\n'quote'",
                                        std::string("\0\x01\xff\\\"'", 6),
                                        "gr\xc3\xbc\xc3\x9f",
                                        "*",
                                        "# ; & | > (x)"};

/// A person pastes the command into a shell: it must show the value, whatever the key.
TEST_F(Output, TheCommandsShowTheKeyInAnyShell) {
  start();
  for (size_t i = 0; i < odd_keys.size(); ++i)
    on_source({"SET", odd_keys[i], "value " + std::to_string(i)});
  const VerifyReport report = check();
  ASSERT_EQ(report.differences.size(), odd_keys.size());
  for (const Difference& difference : report.differences) {
    const auto at = std::find(odd_keys.begin(), odd_keys.end(), difference.key) - odd_keys.begin();
    for (const char* shell : {"/bin/sh", "/bin/bash"}) {
      EXPECT_EQ(run_program(shell, {"-c", difference.source_command}), 0);
      EXPECT_EQ(output(), "value " + std::to_string(at) + "\n") << difference.source_command;
    }
  }
}

TEST_F(Output, DiffJsonlIsCompleteAndTheTerminalShowsTwenty) {
  start();
  for (int i = 0; i < 50; ++i)
    on_source({"SET", std::string("\0", 1) + std::to_string(i), std::to_string(i)});
  EXPECT_EQ(verify_into_out(), 1);
  EXPECT_NE(output().find("… and 30 more differences"), std::string::npos) << output();
  EXPECT_NE(output().find("base64: AD"), std::string::npos) << output();
  std::set<std::string> keys;
  for (const auto& line : lines()) {
    EXPECT_EQ(line["class"], "missing");
    EXPECT_EQ(line["status"], "different");
    keys.insert(line["key_base64"]);
  }
  EXPECT_EQ(keys.size(), 50u);
  EXPECT_TRUE(keys.contains(base64(std::string("\0", 1) + "17")));
}

TEST_F(Output, JunitAlsoWithoutAVerdict) {
  start();
  EXPECT_EQ(verify_into_out(), 0) << output();
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(out() / "junit.xml", tree);
  EXPECT_EQ(tree.get<int>("testsuites.testsuite.<xmlattr>.failures"), 0);
  EXPECT_EQ(lockstep({"verify", "--from", url(source()), "--to", "127.0.0.1:1", "--report", out()}),
            2);
  boost::property_tree::read_xml(out() / "junit.xml", tree);
  EXPECT_EQ(tree.get<int>("testsuites.testsuite.<xmlattr>.errors"), 1);
}

/// The lines of `text` that stand for a difference.
std::string marked(const std::string& text) {
  std::istringstream in(text);
  std::string result;
  for (std::string line; std::getline(in, line);) {
    if (Bytes("!<>").find(line.empty() ? ' ' : line[0]) != Bytes::npos) result += line + "\n";
  }
  return result;
}

TEST_F(Output, ExplainShowsTheKeyAsItIsNow) {
  start();
  const std::string binary("\0\xff", 2);
  for (const Words& key : std::vector<Words>{{"RPUSH", binary, "a", "b", "c"},
                                             {"ZADD", "z", "1", "m"},
                                             {"SET", "later", "v", "PXAT", "4000000000000"}})
    on_both(key);
  on_target({"LSET", binary, "1", "x"});
  on_target({"SET", "z", "text"});
  on_target({"PERSIST", "later"});
  EXPECT_EQ(verify_into_out(), 1);
  EXPECT_EQ(lockstep({"verify", "explain", out(), "\\x00\\xff"}), 1) << output();
  EXPECT_EQ(marked(output()), "! 1           b             x\n");
  EXPECT_EQ(lockstep({"verify", "explain", out(), "AP8=", "--base64"}), 1) << output();
  EXPECT_EQ(lockstep({"verify", "explain", out(), "z"}), 1) << output();
  EXPECT_NE(output().find("DIFFERENT: type"), std::string::npos) << output();
  EXPECT_NE(output().find("the report  different: type"), std::string::npos) << output();
  EXPECT_EQ(lockstep({"verify", "explain", out(), "later"}), 1) << output();
  EXPECT_NE(marked(output()).find("! expiry      2096-10-02"), std::string::npos) << output();
  on_source({"LSET", binary, "1", "x"});
  EXPECT_EQ(lockstep({"verify", "explain", out(), binary.substr(1)}), 0) << output();
  EXPECT_EQ(lockstep({"verify", "explain", out(), "\\x00\\xff"}), 0) << output();
  EXPECT_EQ(lockstep({"verify", "explain", directory_.path() / "none", "k"}), 254);
}

/// Ten thousand elements, one of them another: the output stays small and shows it.
TEST_F(Output, ExplainIsBounded) {
  start();
  Words large{"RPUSH", "large"};
  for (int i = 0; i < 10000; ++i) large.push_back(std::string(100, 'a') + std::to_string(i));
  on_both(large);
  on_target({"LSET", "large", "7777", std::string(100, 'a') + "x"});
  EXPECT_EQ(verify_into_out(), 1);
  EXPECT_EQ(lockstep({"verify", "explain", out(), "large"}), 1);
  EXPECT_NE(marked(output()).find("! 7777        …aaaaaaaa7777  …aaaaaaaax"), std::string::npos)
      << output();
  EXPECT_NE(output().find("9,960 more are equal, 0 more differ"), std::string::npos) << output();
  EXPECT_LT(output().size(), 8000u);
}

}  // namespace
}  // namespace lockstep::verifier
