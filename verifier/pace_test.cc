#include "verifier/pace.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace lockstep::verifier {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Pace, WithoutARateNobodyWaits) {
  Pace pace;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(pace.before(Pace::Time(), 1000), Pace::Duration());
  EXPECT_EQ(pace.keys_at_once(200, 2), 200u);
}

/// Whoever waits as told never sends more than the rate and one burst.
RC_GTEST_PROP(Pace, keeps_the_rate, ()) {
  const auto rate = *rc::gen::inRange<uint64_t>(1, 100'000);
  const auto bursts = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 500));
  Pace pace(rate);
  const Pace::Time begin{seconds(1000)};
  Pace::Time now = begin;
  size_t sent = 0;
  for (const size_t commands : bursts) {
    now += pace.before(now, commands);
    const double allowed =
        std::chrono::duration<double>(now - begin).count() * static_cast<double>(rate);
    RC_ASSERT(static_cast<double>(sent) <= allowed + 1);
    sent += commands;
    now += milliseconds(*rc::gen::inRange(0, 20));
  }
  RC_ASSERT(pace.keys_at_once(200, 2) >= 1u);
}

TEST(Pace, SlowAnswersMakeItWaitAndFastOnesLetItGo) {
  Pace pace;
  for (int i = 0; i < 10; ++i) pace.answered(milliseconds(10), 400, 0);
  EXPECT_EQ(pace.before(Pace::Time(), 1), Pace::Duration());
  pace.answered(milliseconds(200), 400, 0);
  EXPECT_GE(pace.before(Pace::Time(), 1), milliseconds(200));
  pace.answered(milliseconds(200), 400, 0);
  EXPECT_GE(pace.before(Pace::Time(), 1), milliseconds(400));
  for (int i = 0; i < 100; ++i) pace.answered(milliseconds(10000), 400, 0);
  EXPECT_LE(pace.before(Pace::Time(), 1), seconds(1));
  for (int i = 0; i < 20; ++i) pace.answered(milliseconds(10), 400, 0);
  EXPECT_EQ(pace.before(Pace::Time(), 1), Pace::Duration());
  EXPECT_GT(pace.backed_off(), milliseconds(600));
}

TEST(Pace, LargeRepliesAreNotSlowOnes) {
  Pace pace;
  for (int i = 0; i < 10; ++i) pace.answered(milliseconds(10), 400, 40'000);
  pace.answered(milliseconds(500), 400, 400 * 100'000);
  EXPECT_EQ(pace.before(Pace::Time(), 1), Pace::Duration());
}

}  // namespace
}  // namespace lockstep::verifier
