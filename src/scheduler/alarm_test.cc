#include "scheduler/alarm.h"

#include <gtest/gtest.h>

#include <thread>

namespace weir::scheduler {
namespace {

TEST(SystemAlarm, goes_off_at_its_time_and_when_it_is_rung) {
  const auto alarm = *make_system_alarm();
  const SystemClock clock;
  const Timestamp time = clock.now() + std::chrono::milliseconds(20);
  while (clock.now() < time) alarm->wait_until(time);
  alarm->wait_until(clock.now() - std::chrono::hours(1));  // over: at once
  alarm->wait_until(Timestamp());
  alarm->ring();
  alarm->wait_until(std::nullopt);  // rung before
  std::thread other([&] { alarm->ring(); });
  alarm->wait_until(clock.now() + std::chrono::hours(24 * 365 * 400));
  other.join();
}

}  // namespace
}  // namespace weir::scheduler
