#include "verifier/compare.h"

#include <gtest/gtest.h>

#include "sync/rdb/dump_payload.h"

namespace lockstep::verifier {
namespace {

constexpr rdb::ValueType string_type = 0, list_type = 1, set_type = 2;

/// `elements` as an RDB of version 6 holds them, each shorter than 64 bytes.
std::string payload(rdb::ValueType type, const std::vector<std::string>& elements) {
  std::string value;
  if (type != string_type) value += static_cast<char>(elements.size());
  for (const std::string& element : elements) {
    value += static_cast<char>(element.size());
    value += element;
  }
  std::string out;
  rdb::append_dump_payload(out, type, value, 6);
  return out;
}

Reading reading(std::optional<std::string> text, std::optional<ExpireAt> at = std::nullopt) {
  Reading result{std::move(text), at, {}, 1'000'000};
  if (result.payload) result.nodes.push_back(0);
  return result;
}

const Tolerance second{};
const Tolerance hour{milliseconds(1000), std::chrono::hours(1)};

TEST(Compare, AbsentOnBothSidesIsEqual) {
  EXPECT_EQ(compare(reading({}), reading({}), second).outcome, Outcome::equal);
}

TEST(Compare, OneSidedKeysAreMissingOrExtra) {
  const Reading present = reading(payload(string_type, {"v"}));
  const Comparison missing = compare(present, reading({}), second);
  EXPECT_EQ(missing.outcome, Outcome::different);
  EXPECT_EQ(missing.diff_class, DiffClass::missing);
  EXPECT_EQ(missing.source_type, "string");
  EXPECT_EQ(missing.target_type, "none");
  EXPECT_EQ(compare(reading({}), present, second).diff_class, DiffClass::extra);
}

TEST(Compare, AKeyWhoseTimeHasComeIsExplained) {
  const std::string v = payload(string_type, {"v"});
  const Reading due = reading(v, ExpireAt{1'000'500});
  const Reading later = reading(v, ExpireAt{1'005'000});
  EXPECT_EQ(compare(due, reading({}), second).outcome, Outcome::expired);
  EXPECT_EQ(compare(later, reading({}), second).outcome, Outcome::different);
  EXPECT_EQ(compare(reading({}), later, second).outcome, Outcome::different);
  EXPECT_EQ(compare(reading({}), later, hour).outcome, Outcome::expired)
      << "the grace is the target's";
  EXPECT_EQ(compare(later, reading({}), hour).outcome, Outcome::different);
}

TEST(Compare, TheLaterClockDecides) {
  const Reading present = reading(payload(string_type, {"v"}), ExpireAt{1'003'000});
  Reading gone = reading({});
  gone.now_ms = 1'004'000;
  EXPECT_EQ(compare(present, gone, second).outcome, Outcome::expired);
  gone.now_ms = 1'001'000;
  EXPECT_EQ(compare(present, gone, second).outcome, Outcome::different);
}

/// Of Valkey 9: fields with an expiry each, by the absolute time.
std::string expiring_hash(const std::vector<std::pair<std::string, int64_t>>& fields) {
  constexpr rdb::ValueType hash_2 = 22;
  std::string value(1, static_cast<char>(fields.size()));
  for (const auto& [field, at_ms] : fields) {
    value += static_cast<char>(field.size()) + field + std::string("\1v", 2);
    for (int shift = 0; shift < 64; shift += 8)
      value += static_cast<char>(static_cast<uint64_t>(at_ms) >> shift);
  }
  std::string out;
  rdb::append_dump_payload(out, hash_2, value, 80);
  return out;
}

/// Two servers do not delete them at the same moment.
TEST(Compare, AFieldWhoseTimeHasComeMayBeGone) {
  constexpr int64_t due = 999'000, far = 9'000'000;
  const Reading two = reading(expiring_hash({{"a", far}, {"b", due}}));
  const Reading one = reading(expiring_hash({{"a", far}}));
  EXPECT_EQ(compare(two, one, second).outcome, Outcome::equal);
  EXPECT_EQ(compare(one, two, second).outcome, Outcome::equal);
  const Reading later = reading(expiring_hash({{"a", far}, {"b", far}}));
  EXPECT_EQ(compare(later, one, second).diff_class, DiffClass::value);
  EXPECT_EQ(compare(later, one, second).outcome, Outcome::different);
  EXPECT_EQ(compare(reading(expiring_hash({{"b", due}})), reading({}), second).outcome,
            Outcome::expired)
      << "a hash goes with its last field";
  EXPECT_EQ(compare(two, reading({}), second).outcome, Outcome::different);
}

TEST(Compare, OrderMattersInListsOnly) {
  const auto outcome = [](rdb::ValueType type) {
    return compare(reading(payload(type, {"a", "b"})), reading(payload(type, {"b", "a"})), second);
  };
  EXPECT_EQ(outcome(set_type).outcome, Outcome::equal);
  EXPECT_EQ(outcome(list_type).diff_class, DiffClass::value);
  EXPECT_NE(outcome(list_type).detail.find("element 0"), std::string::npos);
}

TEST(Compare, TypesAreToldApart) {
  const Comparison result =
      compare(reading(payload(list_type, {"a"})), reading(payload(set_type, {"a"})), second);
  EXPECT_EQ(result.diff_class, DiffClass::type);
  EXPECT_EQ(result.detail, "list against set");
}

TEST(Compare, ExpiriesDifferBeyondToleranceAndGrace) {
  const std::string v = payload(string_type, {"v"});
  const auto outcome = [&](int64_t apart, const Tolerance& tolerance) {
    return compare(reading(v, ExpireAt{9'000'000}), reading(v, ExpireAt{9'000'000 + apart}),
                   tolerance)
        .outcome;
  };
  EXPECT_EQ(outcome(1000, second), Outcome::equal);
  EXPECT_EQ(outcome(1001, second), Outcome::different);
  EXPECT_EQ(outcome(-1000, second), Outcome::equal);
  EXPECT_EQ(outcome(-1001, second), Outcome::different);
  EXPECT_EQ(outcome(3'601'000, hour), Outcome::equal);
  EXPECT_EQ(outcome(3'601'001, hour), Outcome::different);
  EXPECT_EQ(outcome(-1001, hour), Outcome::different);
  EXPECT_EQ(compare(reading(v, ExpireAt{9'000'000}), reading(v), second).diff_class,
            DiffClass::expiry);
}

TEST(Compare, ValueGoesBeforeExpiry) {
  const Comparison result = compare(reading(payload(string_type, {"v"}), ExpireAt{9'000'000}),
                                    reading(payload(string_type, {"w"})), second);
  EXPECT_EQ(result.diff_class, DiffClass::value);
}

TEST(Compare, DamagedPayloadsAreUnverifiable) {
  std::string damaged = payload(string_type, {"v"});
  damaged[1] ^= 1;
  const Comparison result = compare(reading(damaged), reading(payload(string_type, {"v"})), second);
  EXPECT_EQ(result.outcome, Outcome::unverifiable);
  EXPECT_FALSE(result.detail.empty());
}

TEST(Compare, AKeyOnTwoNodesIsMisplacedEvenIfEqual) {
  Reading twice = reading(payload(string_type, {"v"}));
  const Reading once = twice;
  twice.nodes.push_back(1);
  EXPECT_EQ(compare(twice, once, second).diff_class, DiffClass::misplaced);
  EXPECT_EQ(compare(once, twice, second).diff_class, DiffClass::misplaced);
}

}  // namespace
}  // namespace lockstep::verifier
