#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/project.h"
#include "objects/bucket.h"
#include "objects/file_watch.h"
#include "objects/key_pattern.h"
#include "runlog/run_log.h"
#include "scheduler/dispatcher.h"
#include "scheduler/settling_objects.h"
#include "scheduler/watcher.h"

namespace weir::scheduler {

/// A pipeline with triggers on a bucket.
struct Subscription {
  const Pipeline* pipeline;
  std::vector<std::string> patterns;
};

/// Watches one bucket for all its pipelines. Two threads: the watch's own submits what arrives; the
/// other one rescans, looks again at what had to rest, and writes down what was submitted.
class BucketWatcher {
 public:
  /// The references must outlive it.
  BucketWatcher(const BucketConfig& config, objects::Bucket& bucket,
                std::vector<Subscription> subscriptions, runlog::RunLog& log,
                Dispatcher& dispatcher, const Clock& clock, WatcherOptions options);
  ~BucketWatcher() { stop(); }

  /// Errors: the bucket cannot be listed.
  Result<void> start();
  void stop();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void open_watch();
  // On the watch's thread.
  void arrived(const std::vector<ObjectKey>& keys);
  void unsettled(const std::vector<ObjectKey>& keys);
  void lost();

  // On the other thread; the first rescan on the starting one.
  void work();
  SteadyTime next_due() const;
  Result<void> rescan();
  Result<std::vector<Candidate>> find_changed();
  bool arrived_meanwhile(const Candidate& candidate);
  void look_again(std::vector<Candidate> candidates);
  bool has_rested(const objects::ObjectStat& stat) const;
  void submit_in_order(std::vector<Candidate> candidates);
  void plan_rescan(std::chrono::nanoseconds cost);
  void write_down();

  // On either.
  bool submit(std::span<const Candidate> candidates);
  void leave_to_rest(const Candidate& candidate);

  const BucketConfig& config_;
  objects::Bucket& bucket_;
  const std::vector<Subscription> subscriptions_;
  std::vector<objects::KeyPatterns> patterns_;  // of each subscription
  std::vector<std::string> all_patterns_;
  runlog::RunLog& log_;
  Dispatcher& dispatcher_;
  const Clock& clock_;
  const WatcherOptions options_;
  const std::chrono::milliseconds settle_;

  std::unique_ptr<objects::FileWatch> watch_;  // of the thread that starts and stops, and work()'s
  bool watch_failed_ = false;
  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  bool stopping_ = false;
  bool scanning_ = false;
  SteadyTime rescan_due_{};
  SteadyTime write_down_due_{};
  std::chrono::nanoseconds scan_cost_{0};
  SettlingObjects settling_;
  std::vector<Candidate> submitted_;  // not yet in the run log's memory
  // What was submitted since the running rescan began: the rescan need not submit it again.
  std::unordered_map<ObjectKey, objects::ObjectStat> during_scan_;
  std::thread thread_;
};

}  // namespace weir::scheduler
