#include "api/throttle.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::api {
namespace {

using std::chrono::milliseconds;

const Throttle::Time begin{std::chrono::hours(1)};

TEST(ThrottleTest, WhatIsSavedUpIsGivenAtOnceThenByTheRate) {
  Throttle throttle;
  const RequestPlan plan{.name = "p", .rate = 2, .burst = 3};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(throttle.take("k", plan, begin)) << i;
  EXPECT_EQ(throttle.take("k", plan, begin), milliseconds(500));
  EXPECT_FALSE(throttle.take("k", plan, begin + milliseconds(500)));
  EXPECT_EQ(throttle.take("k", plan, begin + milliseconds(750)), milliseconds(250));
}

TEST(ThrottleTest, KeysAndPlansHaveTheirOwn) {
  Throttle throttle;
  const RequestPlan one{.name = "one", .rate = 1, .burst = 1};
  const RequestPlan two{.name = "two", .rate = 1, .burst = 1};
  EXPECT_FALSE(throttle.take("a", one, begin));
  EXPECT_FALSE(throttle.take("b", one, begin));
  EXPECT_FALSE(throttle.take("a", two, begin));
  EXPECT_TRUE(throttle.take("a", one, begin));
}

TEST(ThrottleTest, NoMoreThanTheBurstIsSavedUpAndTimeNeverRunsBack) {
  Throttle throttle;
  const RequestPlan plan{.name = "p", .rate = 10, .burst = 5};
  EXPECT_FALSE(throttle.take("k", plan, begin));
  const auto later = begin + std::chrono::hours(5);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(throttle.take("k", plan, later));
  EXPECT_TRUE(throttle.take("k", plan, later));
  EXPECT_TRUE(throttle.take("k", plan, begin)) << "an older reading of the clock gives nothing";
}

TEST(ThrottleTest, OverAnyStretchNoMoreThanBurstAndRateGive) {
  std::mt19937 dice{7};
  Throttle throttle;
  const RequestPlan plan{.name = "p", .rate = 50, .burst = 20};
  auto now = begin;
  int taken = 0;
  for (int i = 0; i < 5000; ++i) {
    now += milliseconds(dice() % 20);
    if (!throttle.take("k", plan, now)) ++taken;
  }
  const double seconds = std::chrono::duration<double>(now - begin).count();
  EXPECT_LE(taken, plan.burst + plan.rate * seconds + 1);
  EXPECT_GE(taken, plan.rate * seconds * 0.95);
}

}  // namespace
}  // namespace weir::api
