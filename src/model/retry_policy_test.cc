#include "model/retry_policy.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using std::chrono::milliseconds;

constexpr double middle = 0.5;  // neither more nor less

TEST(RetryDelay, DoublesUpToTheLongest) {
  const RetryPolicy policy{.times = 9, .backoff = milliseconds(500), .longest = milliseconds(3000)};
  const int64_t expected[] = {500, 1000, 2000, 3000, 3000};
  for (int failures = 1; failures <= 5; ++failures) {
    EXPECT_EQ(retry_delay(policy, failures, middle).count(), expected[failures - 1]) << failures;
  }
  EXPECT_EQ(retry_delay(policy, 1'000'000'000, middle), milliseconds(3000));
}

TEST(RetryDelay, SpreadsByAFifthEitherWay) {
  const RetryPolicy policy{
      .times = 5, .backoff = milliseconds(1000), .longest = milliseconds(9000)};
  EXPECT_EQ(retry_delay(policy, 1, 0.0), milliseconds(800));
  EXPECT_EQ(retry_delay(policy, 1, 0.999999), milliseconds(1199));
  EXPECT_LT(retry_delay(policy, 3, 0.1), retry_delay(policy, 3, 0.2));
}

TEST(RetryDelay, MayBeNoneAtAllAndNeverMoreThanTheLongest) {
  EXPECT_EQ(retry_delay({.backoff = milliseconds(0)}, 7, middle), milliseconds(0));
  EXPECT_EQ(retry_delay({.backoff = milliseconds(500), .longest = milliseconds(100)}, 1, middle),
            milliseconds(100));
}

}  // namespace
}  // namespace weir
