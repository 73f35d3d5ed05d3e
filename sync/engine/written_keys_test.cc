#include "sync/engine/written_keys.h"

#include <gtest/gtest.h>

#include <sstream>

#include "sync/resp/encoder.h"

namespace lockstep::engine {
namespace {

/// One request a line.
std::string encode(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    const std::vector<Bytes> args(words.begin(), words.end());
    resp::append_command(out, std::span<const Bytes>(args));
  }
  return out;
}

std::string keys_of(const std::string& text) {
  const WrittenKeys written = written_keys(encode(text), DbIndex{3});
  std::string out;
  for (const auto& [db, key] : written.keys) out += std::to_string(db.value) + ":" + key + " ";
  return out + written.unknown;
}

TEST(WrittenKeys, FollowSelect) { EXPECT_EQ(keys_of("SET a 1\nSELECT 5\nSET a 1"), "3:a 5:a "); }

TEST(WrittenKeys, AreThoseOfBothDatabases) {
  EXPECT_EQ(keys_of("MOVE a 1"), "1:a 3:a ");
  EXPECT_EQ(keys_of("COPY a b DB 7"), "3:b 7:b ");
}

// They cannot be read again, so nobody may take them for settled.
TEST(WrittenKeys, OfAScriptWithoutKeysAreUnknown) {
  EXPECT_EQ(keys_of("EVAL script 0"), "eval");
  EXPECT_EQ(keys_of("MULTI\nSET a 1\nEVALSHA sha 0\nEXEC"), "3:a evalsha");
  EXPECT_EQ(keys_of("EVAL script 1 a"), "3:a ");
}

TEST(JoinsKeys, WhereOneDependsOnAnother) {
  for (const char* joins : {"SMOVE a b m", "SUNIONSTORE d a b", "RENAME a b", "MOVE a 1",
                            "EVAL script 2 a b", "MULTI\nINCR a\nLMOVE a b LEFT LEFT\nEXEC"})
    EXPECT_TRUE(joins_keys(encode(joins))) << joins;
  for (const char* apart : {"SET a 1", "MSET a 1 b 2", "DEL a b", "MULTI\nINCR a\nINCR b\nEXEC"})
    EXPECT_FALSE(joins_keys(encode(apart))) << apart;
}

}  // namespace
}  // namespace lockstep::engine
