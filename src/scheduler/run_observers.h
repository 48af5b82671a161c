#pragma once

#include <vector>

#include "scheduler/run_observer.h"

namespace weir::scheduler {

/// Several observers as one, told in the order in which they were added. Add them before the
/// dispatcher starts; they must outlive it.
class RunObservers final : public RunObserver {
 public:
  void add(RunObserver& observer) { observers_.push_back(&observer); }

  void started(const Run& run) override {
    for (RunObserver* each : observers_) each->started(run);
  }
  void downloaded(const Run& run, uint64_t bytes) override {
    for (RunObserver* each : observers_) each->downloaded(run, bytes);
  }
  void retried(const Run& run, const Error& error, std::chrono::milliseconds delay) override {
    for (RunObserver* each : observers_) each->retried(run, error, delay);
  }
  void finished(const Run& run, const Receipt& receipt, RunState state) override {
    for (RunObserver* each : observers_) each->finished(run, receipt, state);
  }
  void breaker(const DatabaseName& database, BreakerState state, const std::string& why) override {
    for (RunObserver* each : observers_) each->breaker(database, state, why);
  }

 private:
  std::vector<RunObserver*> observers_;
};

}  // namespace weir::scheduler
