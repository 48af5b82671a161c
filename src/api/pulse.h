#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "metrics/metrics.h"

namespace weir::api {

/// One thing that must be so for weir to do its work.
struct Condition {
  std::string name;  ///< "run log", "database warehouse"
  bool met = true;
  std::string why;  ///< it is not
};

/// What a look at the parts has found.
struct Vitals {
  metrics::Levels levels;
  std::vector<Condition> conditions;  ///< for being ready

  bool ready() const;
};

/// Looks at the parts of a running weir again and again, on a thread of its own: who asks for the
/// answer never waits for a lock or the disk, and a look that does not come back shows that a part
/// hangs. Thread-safe.
class Pulse {
 public:
  using Interval = std::chrono::milliseconds;

  /// `look` asks the parts; `on_beat` is told of each look that came back, on the same thread.
  Pulse(std::function<Vitals()> look, std::function<void(const Vitals&)> on_beat,
        Interval interval);
  /// Waits for a look that is under way.
  ~Pulse();

  /// The newest vitals; looks again when they are older than `fresh`, and waits for that at most
  /// `patience`. None before the first look has come back.
  std::optional<Vitals> latest(Interval fresh, Interval patience);
  /// Since when a look is under way: a long time means that a part hangs. 0: none is.
  Interval looking_for() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void beat();

  const std::function<Vitals()> look_;
  const std::function<void(const Vitals&)> on_beat_;
  const Interval interval_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;  // for the thread
  std::condition_variable seen_;  // for those who wait for a look
  bool stopping_ = false;
  bool asked_ = false;
  std::optional<Vitals> vitals_;
  Time begun_{};                 // the look that ended last
  std::optional<Time> looking_;  // since when
  std::thread thread_;
};

}  // namespace weir::api
