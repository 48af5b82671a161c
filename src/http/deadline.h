#pragma once

#include <chrono>
#include <utility>

namespace weir::http {

/// When a connection has waited long enough. It moves with everything that is read or written, so
/// the timer (asio's steady one) is not set anew for a later time: it looks again when it ends. One
/// thread.
template <class Timer>
class Deadline {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Deadline(Timer timer) : timer_(std::move(timer)) {}

  /// `passed` is called when the time is there, if no other one is set by then; it keeps this
  /// alive.
  template <class Passed>
  void set(Time time, Passed passed) {
    time_ = time;
    if (time_ < timer_set_for_) start(std::move(passed));
  }
  void set_none() { time_ = never; }
  /// Nothing is called any more.
  void cancel() { timer_.cancel(); }

 private:
  static constexpr Time never = Time::max();

  template <class Passed>
  void start(Passed passed) {
    timer_set_for_ = time_;
    timer_.expires_at(time_);
    timer_.async_wait([this, passed = std::move(passed)](const auto& error) {
      const Time now = std::chrono::steady_clock::now();
      // A timer that was set anew while its end was on the way.
      if (error || timer_set_for_ > now) return;
      timer_set_for_ = never;
      if (time_ <= now) return passed();
      set(time_, passed);
    });
  }

  Timer timer_;
  Time time_ = never;
  Time timer_set_for_ = never;  // not behind time_
};

}  // namespace weir::http
