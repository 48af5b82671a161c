// The wall clock as the program sees it: the kernel's, moved by the page's offset, timers and
// deadlines included.
#include "faulty_clock.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>

#include "faulty_page.h"

namespace faulty {
namespace {

constexpr int64_t nanoseconds_per_second = 1'000'000'000;

int64_t clock_offset() {
  return page == nullptr ? 0 : page->clock_offset_ns.load(std::memory_order_acquire);
}

timespec moved(const timespec& time, int64_t by_ns) {
  const int64_t total = int64_t{time.tv_sec} * nanoseconds_per_second + time.tv_nsec + by_ns;
  const int64_t at = std::max<int64_t>(total, 1);  // nothing waits for a time before 1970
  return {static_cast<time_t>(at / nanoseconds_per_second),
          static_cast<long>(at % nanoseconds_per_second)};
}

// A deadline on the program's wall clock, on the kernel's.
timespec kernel_time(const timespec& time) { return moved(time, -clock_offset()); }

struct Timer {
  int descriptor = -1;
  int flags = 0;
  bool armed = false;
  bool cancelled = false;  // the next read says ECANCELED
  itimerspec time{};
};

constexpr int most_timers = 64;
Timer timers[most_timers];
pthread_mutex_t timers_mutex = PTHREAD_MUTEX_INITIALIZER;

class TimersLock {
 public:
  TimersLock() { pthread_mutex_lock(&timers_mutex); }
  ~TimersLock() { pthread_mutex_unlock(&timers_mutex); }
  TimersLock(const TimersLock&) = delete;
  TimersLock& operator=(const TimersLock&) = delete;
};

std::atomic<int> timers_known{0};

Timer* find_timer(int descriptor) {
  Timer* found = std::find_if(timers, timers + most_timers,
                              [&](const Timer& timer) { return timer.descriptor == descriptor; });
  return found == timers + most_timers ? nullptr : found;
}

int real_settime(int descriptor, int flags, const itimerspec* time, itimerspec* before) {
  NEXT(timerfd_settime);
  return real(descriptor, flags, time, before);
}

int arm(const Timer& timer, itimerspec* before) {
  itimerspec time = timer.time;
  const bool armed = time.it_value.tv_sec != 0 || time.it_value.tv_nsec != 0;
  if (armed && (timer.flags & TFD_TIMER_ABSTIME) != 0) time.it_value = kernel_time(time.it_value);
  return real_settime(timer.descriptor, timer.flags, &time, before);
}

// What the kernel does to timers when somebody sets the clock.
void tell_timers() {
  const TimersLock lock;
  for (Timer& timer : timers) {
    if (timer.descriptor < 0 || !timer.armed || (timer.flags & TFD_TIMER_ABSTIME) == 0) continue;
    if ((timer.flags & TFD_TIMER_CANCEL_ON_SET) != 0) {
      timer.cancelled = true;
      itimerspec at_once{};
      at_once.it_value.tv_nsec = 1;
      real_settime(timer.descriptor, 0, &at_once, nullptr);
      ++page->timers_woken;
    } else {
      arm(timer, nullptr);
    }
  }
}

void* watch_clock(void*) {
  uint64_t seen = page->clock_jumps.load();
  for (;;) {
    usleep(2000);
    const uint64_t jumps = page->clock_jumps.load(std::memory_order_acquire);
    if (jumps == seen) continue;
    seen = jumps;
    tell_timers();
  }
}

}  // namespace

bool is_timer(int descriptor) {
  if (timers_known.load() == 0) return false;
  const TimersLock lock;
  return find_timer(descriptor) != nullptr;
}

bool was_cancelled(int descriptor) {
  const TimersLock lock;
  Timer* timer = find_timer(descriptor);
  if (timer == nullptr || !timer->cancelled) return false;
  timer->cancelled = timer->armed = false;
  return true;
}

void forget_timer(int descriptor) {
  if (timers_known.load() == 0) return;
  const TimersLock lock;
  if (Timer* timer = find_timer(descriptor); timer != nullptr) {
    *timer = Timer();
    --timers_known;
  }
}

void start_clock_watch() {
  // Signals are for the program's threads alone.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, watch_clock, nullptr) != 0) abort();
  pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace faulty

using namespace faulty;

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  NEXT(clock_gettime);
  const int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *time = moved(*time, clock_offset());
  }
  return result;
}

int gettimeofday(timeval* time, void* zone) noexcept {
  if (zone != nullptr) *static_cast<struct timezone*>(zone) = {};
  timespec now{};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}

int timerfd_create(clockid_t clock, int flags) noexcept {
  NEXT(timerfd_create);
  const int descriptor = real(clock, flags);
  if (descriptor >= 0 && page != nullptr && clock == CLOCK_REALTIME) {
    const TimersLock lock;
    Timer* timer = find_timer(-1);
    if (timer == nullptr) abort();  // a program with so many needs a larger table
    *timer = Timer();
    timer->descriptor = descriptor;
    ++timers_known;
  }
  return descriptor;
}

int timerfd_settime(int descriptor, int flags, const itimerspec* time,
                    itimerspec* before) noexcept {
  const TimersLock lock;
  Timer* timer = find_timer(descriptor);
  if (timer == nullptr) return real_settime(descriptor, flags, time, before);
  timer->flags = flags;
  timer->time = *time;
  timer->cancelled = false;
  timer->armed = time->it_value.tv_sec != 0 || time->it_value.tv_nsec != 0;
  return arm(*timer, before);
}

// Waits until a time of the wall clock. One that is given on the monotonic clock (a condition
// variable can be told to) is less than thirty years from the machine's start.
static bool on_wall_clock(const timespec& time) { return time.tv_sec > 1'000'000'000; }

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* time) {
  static auto* const real =
      next<decltype(pthread_cond_timedwait)>("pthread_cond_timedwait", "GLIBC_2.3.2");
  const timespec until = on_wall_clock(*time) ? kernel_time(*time) : *time;
  return real(condition, mutex, &until);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* time) {
  NEXT(pthread_cond_clockwait);
  const timespec until = clock == CLOCK_REALTIME ? kernel_time(*time) : *time;
  return real(condition, mutex, clock, &until);
}

int sem_timedwait(sem_t* semaphore, const timespec* time) {
  NEXT(sem_timedwait);
  const timespec until = kernel_time(*time);
  return real(semaphore, &until);
}

}  // extern "C"
