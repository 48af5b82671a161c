#include "api/pulse.h"

#include <algorithm>

namespace weir::api {

using std::chrono::steady_clock;

bool Vitals::ready() const {
  return std::ranges::all_of(conditions, [](const Condition& each) { return each.met; });
}

Pulse::Pulse(std::function<Vitals()> look, std::function<void(const Vitals&)> on_beat,
             Interval interval)
    : look_(std::move(look)), on_beat_(std::move(on_beat)), interval_(interval) {
  thread_ = std::thread([this] { beat(); });
}

Pulse::~Pulse() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Pulse::beat() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    asked_ = false;
    const Time begun = steady_clock::now();
    looking_ = begun;
    lock.unlock();
    Vitals vitals = look_();
    on_beat_(vitals);
    lock.lock();
    looking_.reset();
    begun_ = begun;
    vitals_ = std::move(vitals);
    seen_.notify_all();
    wake_.wait_for(lock, interval_, [this] { return stopping_ || asked_; });
  }
}

std::optional<Vitals> Pulse::latest(Interval fresh, Interval patience) {
  std::unique_lock lock(mutex_);
  const Time oldest = steady_clock::now() - fresh;
  const auto fresh_enough = [&] { return vitals_ && begun_ >= oldest; };
  if (!fresh_enough()) {
    asked_ = true;
    wake_.notify_all();
    seen_.wait_for(lock, patience, fresh_enough);
  }
  return vitals_;
}

Pulse::Interval Pulse::looking_for() const {
  const std::lock_guard lock(mutex_);
  if (!looking_) return Interval(0);
  return std::chrono::duration_cast<Interval>(steady_clock::now() - *looking_);
}

}  // namespace weir::api
