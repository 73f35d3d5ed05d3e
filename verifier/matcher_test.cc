#include "verifier/matcher.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "sync/base/error.h"

namespace lockstep::verifier {
namespace {

const Side source_side(SideName::source);
const Side target_side(SideName::target);

/// A key as a side has it. Few of each, so that they meet.
struct Key {
  bool on_target = false;
  int number = 0;
  uint64_t digest = 0;
  int64_t expire_at = 0;  ///< 0: none
  size_t node = 0;
  bool unread = false;
};

rc::Gen<std::vector<Key>> any_keys() {
  using rc::gen::inRange;
  return rc::gen::container<std::vector<Key>>(rc::gen::build<Key>(
      rc::gen::set(&Key::on_target), rc::gen::set(&Key::number, inRange(0, 400)),
      rc::gen::set(&Key::digest, inRange<uint64_t>(0, 2)),
      rc::gen::set(&Key::expire_at, rc::gen::element<int64_t>(0, 1000, 1500, 9000)),
      rc::gen::set(&Key::node, inRange<size_t>(0, 2)),
      rc::gen::set(&Key::unread, rc::gen::map(inRange(0, 20), [](int n) { return n == 0; }))));
}

std::string name_of(int number) {
  return "key:" + std::string(number % 7 * 20, 'x') + std::to_string(number);
}

void add(Matcher& matcher, const Key& key) {
  const Side& side = key.on_target ? target_side : source_side;
  const std::string name = name_of(key.number);
  if (key.unread) return matcher.add_unread(side, key.node, DbIndex{0}, name);
  KeySeen seen;
  seen.key = name;
  seen.digest = key.digest;
  if (key.expire_at != 0) seen.expire_at = ExpireAt{key.expire_at};
  matcher.add(side, key.node, seen);
}

/// The same, slowly: of each key what came first on each side counts; a second occurrence counts
/// only if it came from another node.
std::set<std::string> expected_candidates(const std::vector<Key>& keys,
                                          const Tolerance& tolerance) {
  std::map<int, std::array<const Key*, 2>> first;
  std::set<std::string> result;
  for (const Key& key : keys) {
    const Key*& held = first[key.number][key.on_target];
    if (!held) {
      held = &key;
    } else if (held->node != key.node) {
      result.insert(name_of(key.number));
    }
  }
  const auto expiry = [](const Key& key) {
    return key.expire_at == 0 || key.unread ? std::nullopt : std::optional(ExpireAt{key.expire_at});
  };
  for (const auto& [number, held] : first) {
    const auto [source, target] = held;
    const bool equal = source && target && !source->unread && !target->unread &&
                       source->digest == target->digest &&
                       tolerance.same(expiry(*source), expiry(*target));
    if (!equal) result.insert(name_of(number));
  }
  return result;
}

struct Result {
  std::set<std::string> candidates;
  uint64_t distinct = 0;
  uint64_t spilled = 0;
};

Result match(const std::vector<Key>& keys, size_t memory_bytes) {
  Matcher matcher({.tolerance = {}, .memory_bytes = memory_bytes});
  for (const Key& key : keys) add(matcher, key);
  Result result;
  for (auto some = matcher.take_candidates(); !some.empty(); some = matcher.take_candidates()) {
    for (const Candidate& each : some) {
      const bool is_new = result.candidates.insert(each.key).second;
      LOCKSTEP_ASSERT(is_new);
    }
  }
  result.distinct = matcher.distinct();
  result.spilled = matcher.spilled_bytes();
  return result;
}

RC_GTEST_PROP(Matcher, finds_what_a_map_finds_whatever_the_memory, ()) {
  const auto keys = *any_keys();
  const size_t memory = *rc::gen::element<size_t>(1, 3000, 100'000, 1 << 20, 64 << 20);
  const Result result = match(keys, memory);
  RC_ASSERT(result.candidates == expected_candidates(keys, {}));
  std::set<int> numbers;
  for (const Key& key : keys) numbers.insert(key.number);
  RC_ASSERT(result.distinct == numbers.size());
}

std::vector<Key> two_equal_sides(int count) {
  std::vector<Key> keys;
  for (int i = 0; i < count; ++i) {
    keys.push_back({.on_target = false, .number = i, .digest = 7});
    keys.push_back({.on_target = true, .number = (i * 7919 + 1) % count, .digest = 7});
  }
  return keys;
}

TEST(Matcher, SpillsBeyondItsMemoryAndFindsTheSame) {
  std::vector<Key> keys = two_equal_sides(200'000);
  keys[1000].digest = 8;
  keys.push_back({.on_target = true, .number = 200'001, .digest = 1});
  const Result whole = match(keys, 256 << 20);
  const Result spilled = match(keys, 10 << 20);
  EXPECT_EQ(whole.spilled, 0u);
  EXPECT_GT(spilled.spilled, 4u << 20);
  EXPECT_EQ(whole.candidates, (std::set<std::string>{name_of(500), name_of(200'001)}));
  EXPECT_EQ(spilled.candidates, whole.candidates);
  EXPECT_EQ(spilled.distinct, whole.distinct);
  EXPECT_EQ(whole.distinct, 200'001u);
}

TEST(Matcher, ADirectoryThatTakesNoFileIsNamed) {
  Matcher matcher({.tolerance = {}, .memory_bytes = 1, .spill_directory = "/proc/nowhere"});
  try {
    for (const Key& key : two_equal_sides(1000)) add(matcher, key);
    FAIL() << "nothing was thrown";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("/proc/nowhere"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("--spill-dir"), std::string::npos);
  }
}

}  // namespace
}  // namespace lockstep::verifier
