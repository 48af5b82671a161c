#include "scheduler/circuit_breaker.h"

#include <gtest/gtest.h>

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const DatabaseName db("db");
constexpr double middle = 0.5;
Timestamp at(int64_t ms) { return Timestamp(seconds(1'700'000'000)) + milliseconds(ms); }

TEST(CircuitBreaker, opens_once_and_closes_by_a_probe) {
  CircuitBreaker breaker;
  EXPECT_FALSE(breaker.next_probe(at(0)));
  const auto first = breaker.found_down(db, at(0), middle);
  EXPECT_TRUE(first.opened);
  EXPECT_EQ(first.pause, milliseconds(500));
  const auto again = breaker.found_down(db, at(100), middle);  // a batch that was on its way
  EXPECT_FALSE(again.opened);
  EXPECT_EQ(again.pause, milliseconds(400));
  EXPECT_EQ(breaker.next_probe(at(100)), at(500));
  EXPECT_FALSE(breaker.take_probe(at(499)));
  EXPECT_EQ(breaker.take_probe(at(500)), db);
  EXPECT_FALSE(breaker.take_probe(at(500)));  // somebody is at it
  EXPECT_FALSE(breaker.next_probe(at(500)));
  EXPECT_TRUE(breaker.found_up(db));
  EXPECT_FALSE(breaker.found_up(db));
  EXPECT_FALSE(breaker.next_probe(at(9000)));
}

TEST(CircuitBreaker, pauses_grow_to_half_a_minute_until_work_was_done) {
  CircuitBreaker breaker;
  std::vector<int64_t> pauses = {breaker.found_down(db, at(0), middle).pause.count()};
  Timestamp now = at(0);
  for (int i = 0; i < 7; ++i) {
    now = *breaker.next_probe(now);
    ASSERT_EQ(breaker.take_probe(now), db);
    pauses.push_back(breaker.found_down(db, now, middle).pause.count());
  }
  EXPECT_EQ(pauses, (std::vector<int64_t>{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000}));
  now = *breaker.next_probe(now);
  ASSERT_EQ(breaker.take_probe(now), db);
  EXPECT_TRUE(breaker.found_up(db));
  EXPECT_EQ(breaker.found_down(db, now, middle).pause, seconds(30));  // reached, but no work done
  now = *breaker.next_probe(now);
  ASSERT_EQ(breaker.take_probe(now), db);
  EXPECT_TRUE(breaker.found_up(db));
  breaker.worked(db);
  EXPECT_EQ(breaker.found_down(db, now, middle).pause, milliseconds(500));
}

TEST(CircuitBreaker, a_clock_set_back_makes_the_probe_due) {
  CircuitBreaker breaker;
  breaker.found_down(db, at(1'000'000), middle);
  EXPECT_EQ(breaker.next_probe(at(999'000)), at(999'000));
  EXPECT_EQ(breaker.take_probe(at(999'000)), db);
}

TEST(CircuitBreaker, databases_are_apart) {
  CircuitBreaker breaker;
  const DatabaseName other("other");
  breaker.found_down(db, at(0), middle);
  breaker.found_down(other, at(200), middle);
  EXPECT_EQ(breaker.next_probe(at(200)), at(500));
  EXPECT_EQ(breaker.take_probe(at(900)), db);
  EXPECT_EQ(breaker.take_probe(at(900)), other);
  EXPECT_TRUE(breaker.found_up(other));
  EXPECT_FALSE(breaker.found_down(db, at(900), middle).opened);
}

}  // namespace
}  // namespace weir::scheduler
