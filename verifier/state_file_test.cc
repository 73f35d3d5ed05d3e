#include "verifier/state_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "sync/base/error.h"
#include "verifier/ledger.h"

namespace lockstep::verifier {
namespace {

class StateFileTest : public testing::Test {
 protected:
  StateFileTest() { std::filesystem::create_directories(directory_); }
  ~StateFileTest() override { std::filesystem::remove_all(directory_); }
  std::string content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void overwrite(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / fmt::format("state-{}", ::getpid());
  std::filesystem::path path_ = directory_ / "state";
};

TEST_F(StateFileTest, WhatWasSavedIsLoaded) {
  const StateFile file(path_, "a to b");
  EXPECT_FALSE(file.load());
  file.save({{"x", 1}});
  file.save({{"x", 2}});
  ASSERT_TRUE(file.load());
  EXPECT_EQ((*file.load())["x"], 2);
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".new"));
  file.remove();
  EXPECT_FALSE(file.load());
}

/// Whatever byte changes or is missing.
TEST_F(StateFileTest, DamageIsSaid) {
  const StateFile file(path_, "a to b");
  file.save({{"x", "some text"}});
  const std::string whole = content(path_);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bad = whole;
    bad[i] ^= 1;
    overwrite(path_, bad);
    EXPECT_THROW(file.load(), UserError) << i;
    overwrite(path_, whole.substr(0, i));
    EXPECT_THROW(file.load(), UserError) << i;
  }
  overwrite(path_, whole);
  EXPECT_TRUE(file.load());
}

TEST_F(StateFileTest, AnotherChecksFileIsRefused) {
  StateFile(path_, "a to b").save({{"x", 1}});
  try {
    StateFile(path_, "a to c").load();
    FAIL();
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_arguments);
    EXPECT_NE(std::string(error.what()).find("a to b"), std::string::npos);
  }
}

TEST_F(StateFileTest, ALedgerGoesOnWhereItsFileEnds) {
  const auto names = [](const Ledger& ledger) {
    std::set<std::string> result;
    for (size_t i = 0; i < Ledger::partition_count; ++i) {
      ledger.read(i, [&](Bytes entries, bool) {
        KeyEntry entry;
        for (const char* at = entries.data(); at != entries.data() + entries.size();) {
          at = read_entry(at, entry);
          result.insert(std::string(entry.key));
        }
      });
    }
    return result;
  };
  const auto add = [](Ledger& ledger, int first, int last) {
    for (int i = first; i < last; ++i) {
      const std::string key = "k" + std::to_string(i);
      KeyEntry entry;
      entry.key = key;
      ledger.add(entry, entry.hash());
    }
  };
  uint64_t bytes = 0;
  {
    Ledger first(100'000'000, directory_);
    first.resume(path_, 0);
    add(first, 0, 1000);
    bytes = first.write_out();
    add(first, 5000, 6000);  // lost with the process
    first.write_out();
  }
  {
    Ledger second(100'000'000, directory_);
    second.resume(path_, bytes);
    add(second, 1000, 2000);
    const auto found = names(second);
    EXPECT_EQ(found.size(), 2000u);
    EXPECT_FALSE(found.contains("k5000"));
  }
  std::string text = content(path_);
  text[text.size() / 2] ^= 1;
  overwrite(path_, text);
  EXPECT_THROW(
      {
        Ledger third(100'000'000, directory_);
        third.resume(path_, bytes);
        names(third);
      },
      UserError);
  Ledger fourth(100'000'000, directory_);
  EXPECT_THROW(fourth.resume(path_, bytes + 1), UserError);
}

}  // namespace
}  // namespace lockstep::verifier
