#include "scheduler/alarm.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "io/descriptor.h"
#include "io/system_error.h"

namespace weir::scheduler {
namespace {

/// Also where the kernel does not tell that the clock was set (some containers), it is noticed.
constexpr int longest_wait_ms = 30'000;

class SystemAlarm final : public Alarm {
 public:
  SystemAlarm(io::Descriptor timer, io::Descriptor bell)
      : timer_(std::move(timer)), bell_(std::move(bell)) {}

  void wait_until(std::optional<Timestamp> time) override {
    set(time);
    pollfd waits[] = {{timer_.get(), POLLIN, 0}, {bell_.get(), POLLIN, 0}};
    ::poll(waits, 2, longest_wait_ms);
    uint64_t count = 0;
    if ((waits[1].revents & POLLIN) != 0 && ::read(bell_.get(), &count, sizeof count) < 0) {
      return;  // somebody else took the ring: as good as one for no reason
    }
  }

  void ring() override {
    const uint64_t one = 1;
    // It fails only when it has rung 2^64 times already.
    [[maybe_unused]] const ssize_t written = ::write(bell_.get(), &one, sizeof one);
  }

 private:
  void set(std::optional<Timestamp> time) {
    namespace chrono = std::chrono;
    static constexpr Timestamp earliest{chrono::microseconds(1)};  // zero would switch it off
    static constexpr Timestamp latest{chrono::hours(24 * 365 * 200)};
    const auto since = std::clamp(time.value_or(latest), earliest, latest).time_since_epoch();
    const auto whole = chrono::floor<chrono::seconds>(since);
    itimerspec at{};
    at.it_value.tv_sec = whole.count();
    at.it_value.tv_nsec = chrono::nanoseconds(since - whole).count();
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, nullptr);
  }

  io::Descriptor timer_;
  io::Descriptor bell_;
};

}  // namespace

Result<std::unique_ptr<Alarm>> make_system_alarm() {
  io::Descriptor timer(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return fail(io::system_error("cannot make", "a timer"));
  io::Descriptor bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return fail(io::system_error("cannot make", "an event descriptor"));
  return std::make_unique<SystemAlarm>(std::move(timer), std::move(bell));
}

}  // namespace weir::scheduler
