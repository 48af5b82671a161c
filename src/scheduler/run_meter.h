#pragma once

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "scheduler/run_observer.h"

namespace weir::scheduler {

/// What the last minute was like.
struct RecentRuns {
  uint64_t ended = 0;
  uint64_t failed = 0;  ///< or parked
  uint64_t rows = 0;    ///< read
};

/// Counts what the dispatcher tells, for `metrics`, and remembers what people want to see now: the
/// last minute, and which databases do not answer. Thread-safe.
class RunMeter final : public RunObserver {
 public:
  RunMeter(metrics::Metrics& metrics, const Clock& clock) : metrics_(metrics), clock_(clock) {}

  void started(const Run& run) override;
  void downloaded(const Run& run, uint64_t bytes) override {
    metrics_.downloaded(run.pipeline, bytes);
  }
  void retried(const Run& run, const Error& error, std::chrono::milliseconds delay) override;
  void finished(const Run& run, const Receipt& receipt, RunState state) override;
  void breaker(const DatabaseName& database, BreakerState state, const std::string& why) override;

  /// By pipeline; those without a run that ended in the last minute are not there.
  std::map<PipelineName, RecentRuns> last_minute() const;
  /// The databases that do not answer, and why.
  std::map<DatabaseName, std::string> open_breakers() const;

 private:
  static constexpr size_t slots = 12;
  static constexpr int64_t slot_seconds = 5;
  /// A ring of the last minute's slots.
  struct Minute {
    struct Slot {
      int64_t number = 0;  ///< of the slot since 1970
      RecentRuns runs;
    };
    std::array<Slot, slots> ring{};
  };
  int64_t slot_now() const;
  void forget_old(int64_t now);

  metrics::Metrics& metrics_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<PipelineName, Minute> minutes_;
  int64_t forgotten_ = 0;  // the slot in which old minutes were thrown away last
  std::map<DatabaseName, std::string> open_;
};

}  // namespace weir::scheduler
