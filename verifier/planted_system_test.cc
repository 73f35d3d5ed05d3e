#include <random>

#include "fixtures/capabilities.h"
#include "verifier/test_plants.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {
namespace {

class Planted : public TwoSides {
 protected:
  bool possible(const Plant& plant) const {
    return plant.since <= source_->options().spec.commands &&
           plant.since <= target_->options().spec.commands &&
           (plant.since != 704 ||
            (fixtures::capabilities_of(source_->options().spec).has("field-expiry") &&
             fixtures::capabilities_of(target_->options().spec).has("field-expiry")));
  }
  void run(const net::Endpoint& endpoint, const Plant::Commands& commands, const std::string& key) {
    for (Words words : commands) {
      std::replace(words.begin(), words.end(), std::string("KEY"), key);
      ask(endpoint, words);
    }
  }
  static std::string expected(const Plant& plant, const std::string& key) {
    return plant.found ? std::string(diff_class_name(*plant.found)) + " " + key : "";
  }
};

std::string key_of(const Plant& plant) { return std::string("key of ") + plant.name; }

TEST_F(Planted, EveryKindIsFoundClassedAndLocated) {
  start();
  std::map<std::string, const Plant*> by_key;
  for (const Plant& plant : plants()) {
    if (!possible(plant)) continue;
    by_key[key_of(plant)] = &plant;
    run(source(), plant.base, key_of(plant));
  }
  copy();
  ASSERT_EQ(check().verdict, Verdict::equal) << found(check());
  size_t differences = 0;
  for (const auto& [key, plant] : by_key) {
    run(target(), plant->change, key);
    differences += plant->found ? 1 : 0;
  }
  for (const ReadMode mode : {ReadMode::snapshot, ReadMode::scan}) {
    VerifyOptions all = options();
    all.read = mode;
    all.max_differences = 1000;
    const VerifyReport report = verify(all);
    EXPECT_EQ(report.verdict, Verdict::different);
    EXPECT_EQ(report.difference_count(), differences);
    EXPECT_EQ(report.compared, by_key.size());
    for (const Difference& difference : report.differences) {
      const Plant& plant = *by_key.at(difference.key);
      ASSERT_TRUE(plant.found) << plant.name << ": " << difference.detail;
      EXPECT_STREQ(diff_class_name(difference.diff_class), diff_class_name(*plant.found))
          << plant.name << ": " << difference.detail;
      EXPECT_NE(difference.detail.find(plant.detail), std::string::npos)
          << plant.name << ": " << difference.detail;
    }
  }
}

TEST_F(Planted, AKeyInTheWrongDatabase) {
  start();
  on_source({"SET", "k", "v"});
  copy();
  on_target({"MOVE", "k", "3"});
  EXPECT_EQ(found(check()), "extra k:3, missing k");
  EXPECT_EQ(found(check(ReadMode::scan)), "extra k:3, missing k");
}

TEST_F(Planted, ABinaryKeyAndAValueInPieces) {
  start();
  const std::string key("\0\xff\n'", 4);
  on_both({"SET", key, "v"});
  on_both({"SETRANGE", "big", std::to_string(40 << 20), "end"});
  EXPECT_EQ(check().verdict, Verdict::equal);
  on_target({"SETRANGE", "big", std::to_string(39 << 20), "x"});
  on_target({"APPEND", key, "w"});
  const VerifyReport report = check();
  EXPECT_EQ(report.difference_count(), 2u);
  EXPECT_NE(report.differences[1].detail.find("byte 40894464"), std::string::npos)
      << report.differences[1].detail;
}

/// Random choices of plants, a few copies of each: everything planted is found, nothing else.
/// LOCKSTEP_TRIALS makes it longer.
TEST_F(Planted, RandomSets) {
  start();
  const char* wanted = std::getenv("LOCKSTEP_TRIALS");
  const int trials = wanted ? std::atoi(wanted) : 20;
  std::mt19937 random(20261121);
  for (int trial = 0; trial < trials; ++trial) {
    on_both({"FLUSHALL"});
    std::vector<std::pair<const Plant*, std::string>> chosen;
    std::vector<std::string> expectation;
    for (int i = 0; i < 12; ++i) {
      const Plant& plant = plants()[random() % plants().size()];
      if (!possible(plant)) continue;
      const std::string key = "k" + std::to_string(i);
      run(source(), plant.base, key);
      chosen.emplace_back(&plant, key);
    }
    copy();
    for (const auto& [plant, key] : chosen) {
      if (random() % 2 == 0) continue;
      run(target(), plant->change, key);
      if (plant->found) expectation.push_back(expected(*plant, key));
    }
    std::sort(expectation.begin(), expectation.end());
    std::string text;
    for (const std::string& one : expectation) text += (text.empty() ? "" : ", ") + one;
    const ReadMode mode = trial % 2 == 0 ? ReadMode::snapshot : ReadMode::scan;
    ASSERT_EQ(found(check(mode)), text) << "trial " << trial;
  }
}

}  // namespace
}  // namespace lockstep::verifier
