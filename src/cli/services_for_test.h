#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "cli/services.h"
#include "io/temporary_folder_for_test.h"
#include "model/receipt.h"
#include "text/receipt_json.h"

namespace weir::cli {

/// Finishes every run it is given, when `hold` is not set, and remembers what it saw.
class FakeDispatcher final : public scheduler::Dispatcher {
 public:
  void start() override {}
  void open_databases() override {}
  Result<std::vector<RunId>> submit(std::span<const Run> runs) override {
    const std::lock_guard lock(mutex);
    std::vector<RunId> ids;
    for (const Run& run : runs) {
      known[run.id] = run;
      ids.push_back(fold_into.empty() ? run.id : fold_into);
      if (!fold_into.empty()) known[fold_into] = run;
    }
    return ids;
  }
  Result<Run> wait(const RunId& id,
                   const std::function<void(const scheduler::RunProgress&)>& on_progress) override {
    on_progress({id, 5, 10, 1});
    std::unique_lock lock(mutex);
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [&] { return !hold || drained; });
    if (hold) return fail(ErrorCode::cancelled, "drained");
    Run run = known[id];
    run.id = id;
    run.state = state;
    Receipt receipt;
    receipt.run = id;
    receipt.pipeline = run.pipeline;
    receipt.object = run.object;
    receipt.status = state;
    run.receipt = text::to_json(receipt).to_string();
    waited.push_back(id);
    return run;
  }
  std::vector<scheduler::RunningRun> running() override { return at_work; }
  void wake() override {}
  void wait_idle() override {}
  void drain(std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex);
    drained = true;
    changed.notify_all();
  }

  void wait_until_held() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return waiting > 0; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::map<RunId, Run> known;
  std::vector<RunId> waited;
  std::vector<scheduler::RunningRun> at_work;
  RunId fold_into;  // the id that does all the work, when not empty
  RunState state = RunState::succeeded;
  int waiting = 0;
  bool hold = false;
  bool drained = false;
};

/// A project with the pipelines `load` (reads landing/*.json) and `totals` (reads no object).
inline Project project_for_test(const std::filesystem::path& root) {
  Project project;
  project.name = "test";
  project.root = root;
  project.databases.emplace_back().name = DatabaseName("db");
  BucketConfig& bucket = project.buckets.emplace_back();
  bucket.name = BucketName("landing");
  bucket.path = root / "landing";
  Pipeline load;
  load.name = PipelineName("load");
  load.priority = 3;
  load.triggers.push_back(ObjectTrigger{BucketName("landing"), "*.json", {}});
  load.steps.push_back(ReadStep{});
  load.steps.push_back(LoadStep{TableName("t"), LoadMode::append, {}});
  project.pipelines.push_back(load);
  Pipeline totals;
  totals.name = PipelineName("totals");
  totals.steps.push_back(SqlStep{{"SELECT 1", {}, false}, std::nullopt, DatabaseName("db"), {}});
  project.pipelines.push_back(totals);
  return project;
}

/// A run log and an embedded database that are real, and a dispatcher that is not.
class FakeServices final : public Services {
 public:
  FakeServices(Project project, FakeDispatcher& dispatcher)
      : project_(std::move(project)), dispatcher_(dispatcher) {}

  const Project& project() const override { return project_; }
  const Clock& clock() const override { return clock_; }
  Result<runlog::RunLog*> run_log() override {
    const std::lock_guard lock(mutex_);
    if (!log_) log_ = WEIR_TRY(runlog::open_sqlite_run_log((project_.root / "runs").string()));
    return log_.get();
  }
  Result<pipeline::Resources*> resources() override {
    const std::lock_guard lock(mutex_);
    if (!resources_.databases) resources_ = WEIR_TRY(pipeline::open_resources(project_));
    return &resources_;
  }
  Result<pipeline::Executor*> executor() override {
    return fail(ErrorCode::not_yet, "nothing is executed here");
  }
  Result<scheduler::Dispatcher*> dispatcher() override { return &dispatcher_; }
  Result<std::vector<Run>> pending_runs(const Pipeline&, bool) override { return pending; }
  std::vector<scheduler::RunningRun> running() override { return dispatcher_.running(); }
  const scheduler::RunMeter& meter() const override { return meter_; }
  Result<std::optional<ListenAddress>> start_monitoring(
      const std::optional<ListenAddress>&) override {
    return fail(ErrorCode::not_yet, "nothing is monitored here");
  }
  Result<runlog::KeyStore*> keys() override {
    const std::lock_guard lock(mutex_);
    if (!keys_) {
      keys_ = WEIR_TRY(runlog::KeyStore::open((project_.state_dir() / "keys.sqlite").string()));
    }
    return keys_.get();
  }
  Result<ListenAddress> start_api(const ListenAddress&, owner::Handler) override {
    return fail(ErrorCode::not_yet, "nothing listens here");
  }
  Result<void> start_watching() override { return {}; }
  void drain(std::chrono::milliseconds grace) override { dispatcher_.drain(grace); }

  std::vector<Run> pending;

 private:
  const Project project_;
  FakeDispatcher& dispatcher_;
  const SystemClock clock_;
  metrics::Metrics metrics_{"test"};
  scheduler::RunMeter meter_{metrics_, clock_};
  std::mutex mutex_;
  std::unique_ptr<runlog::RunLog> log_;
  std::unique_ptr<runlog::KeyStore> keys_;
  pipeline::Resources resources_;
};

}  // namespace weir::cli
