#include "model/run.h"

#include <gtest/gtest.h>

#include <set>

namespace weir {
namespace {

TEST(RunId, GrowsAlsoWithinOneMillisecondAndWhenTheClockGoesBack) {
  const Timestamp now{std::chrono::seconds(1'700'000'000)};
  RunId last = new_run_id(now);
  EXPECT_EQ(last.value().size(), 26u);
  for (int i = 0; i < 10'000; ++i) {
    const RunId next = new_run_id(i % 3 == 0 ? now - std::chrono::seconds(5) : now);
    ASSERT_LT(last, next);
    last = next;
  }
}

}  // namespace
}  // namespace weir
