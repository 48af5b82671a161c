#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "io/temporary_folder_for_test.h"
#include "runlog/run_log.h"
#include "scheduler/dispatcher.h"

namespace weir::scheduler::testing {

/// The value, or a failed test with the error's text.
template <class T>
T value(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().to_string();
    return T();
  }
  return *std::move(result);
}
inline void expect_ok(const Result<void>& result) {
  EXPECT_TRUE(result) << result.error().to_string();
}

/// Executes nothing, but notes what it was given. Waiting gives up, and fails the test, after half
/// a minute.
class FakeExecutor final : public pipeline::Executor {
 public:
  /// What becomes of a run; called without lock. Unset: it succeeds.
  std::function<pipeline::RunOutcome(const Run&, pipeline::Progress&)> outcome;
  /// Whether a database can be opened. Unset: it can.
  std::function<Result<void>(const DatabaseName&)> reachable;

  std::vector<pipeline::RunOutcome> execute(std::span<const Run> runs,
                                            pipeline::Progress& progress) override {
    {
      std::unique_lock lock(mutex_);
      batches_.emplace_back(runs.begin(), runs.end());
      changed_.notify_all();
      changed_.wait(lock, [&] { return !held_ || progress.cancel; });
    }
    std::vector<pipeline::RunOutcome> outcomes;
    for (const Run& run : runs) outcomes.push_back(outcome ? outcome(run, progress) : success(run));
    const std::lock_guard lock(mutex_);
    for (const Run& run : runs) ++executed_[key_of(run)];
    changed_.notify_all();
    return outcomes;
  }
  void order_replay(const RunId&, pipeline::ReplayOrder) override {}
  Result<void> reach(const DatabaseName& database) override {
    return reachable ? reachable(database) : Result<void>();
  }
  Result<bool> is_loaded(const PipelineName&, const ObjectRef&) override { return false; }

  static std::string key_of(const Run& run) {
    return run.pipeline.value() + ":" + (run.object ? run.object->key.value() : "");
  }
  static pipeline::RunOutcome success(const Run& run) {
    pipeline::RunOutcome outcome;
    outcome.receipt.run = run.id;
    outcome.receipt.pipeline = run.pipeline;
    outcome.receipt.object = run.object;
    outcome.receipt.status = RunState::succeeded;
    return outcome;
  }
  static pipeline::RunOutcome failure(const Run& run, ErrorCode code) {
    pipeline::RunOutcome outcome = success(run);
    outcome.receipt.status = RunState::failed;
    outcome.receipt.error = Error{code, "it broke"};
    return outcome;
  }

  /// Executions stop at their beginning until released, or cancelled.
  void hold() { set_held(true); }
  void release() { set_held(false); }
  /// Lets a held execution notice that it was cancelled.
  void wake() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }

  void wait_for_batches(size_t count) {
    wait([&] { return batches_.size() >= count; }, std::to_string(count) + " batches");
  }
  /// "pipeline:key" has been executed so often.
  void wait_for(const std::string& key, int times = 1) {
    wait([&] { return executed_[key] >= times; }, key);
  }
  void wait_for_count(size_t count) {
    wait([&] { return executed_.size() >= count; }, std::to_string(count) + " executed");
  }
  std::vector<std::vector<Run>> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  std::map<std::string, int> executed() {
    const std::lock_guard lock(mutex_);
    return executed_;
  }

 private:
  void set_held(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  template <class Condition>
  void wait(Condition condition, const std::string& what) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), condition))
        << "waited for " << what;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  std::vector<std::vector<Run>> batches_;
  std::map<std::string, int> executed_;
};

inline Run make_run(const std::string& pipeline, const std::string& key) {
  Run run;
  run.created = SystemClock().now();
  run.id = new_run_id(run.created);
  run.pipeline = PipelineName(pipeline);
  if (!key.empty()) run.object = ObjectRef{BucketName("landing"), ObjectKey(key)};
  run.trigger = "manual";
  run.scheduled_for = run.created;
  return run;
}

}  // namespace weir::scheduler::testing
