#include "wiring_world.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "pipeline/executor.h"
#include "pipeline/notices.h"
#include "scheduler/cron.h"
#include "scheduler/history_keeper.h"
#include "scheduler/lost_loads.h"
#include "scheduler/notice_deliverer.h"
#include "scheduler/pending.h"
#include "scheduler/run_observers.h"
#include "scheduler/watcher.h"
#include "wiring_api.h"
#include "wiring_monitor.h"
#include "wiring_traces.h"

namespace weir {
namespace {

/// Members stand in the order they depend on each other, so that they go in the reverse one.
class World final : public cli::Services {
 public:
  explicit World(Project project) : project_(std::move(project)) {}
  ~World() override {
    drain(std::chrono::milliseconds(0));
    monitor_.stop();  // it looks at what is below
    if (traces_) traces_->stop(last_spans);
  }

  const Project& project() const override { return project_; }
  const Clock& clock() const override { return clock_; }

  Result<runlog::RunLog*> run_log() override {
    const std::lock_guard lock(run_log_mutex_);
    if (!run_log_) {
      auto opened =
          WEIR_TRY(runlog::open_sqlite_run_log((project_.state_dir() / "runs.sqlite").string()));
      const size_t recovered = WEIR_TRY(opened->recover());
      if (recovered > 0) log::info("{} runs of a dead owner are queued again", recovered);
      run_log_ = std::move(opened);
    }
    return run_log_.get();
  }

  Result<pipeline::Resources*> resources() override {
    const std::lock_guard lock(resources_mutex_);
    if (resources_) return &*resources_;
    resources_ = WEIR_TRY(pipeline::open_resources(project_));
    if (project_.traces) {
      traces_ = std::make_unique<Traces>(project_, *resources_->secrets, clock_);
      resources_->tracer = &traces_->tracer();
    }
    return &*resources_;
  }

  Result<pipeline::Executor*> executor() override {
    pipeline::Resources& opened = *WEIR_TRY(resources());
    runlog::RunLog* log = WEIR_TRY(run_log());
    const std::lock_guard lock(executor_mutex_);
    opened.run_log = log;
    if (!executor_) executor_ = WEIR_TRY(pipeline::make_executor(project_, opened, clock_));
    return executor_.get();
  }

  Result<scheduler::Dispatcher*> dispatcher() override {
    pipeline::Executor& executor = *WEIR_TRY(this->executor());
    runlog::RunLog& log = *WEIR_TRY(run_log());
    const std::lock_guard lock(dispatcher_mutex_);
    if (draining_) return fail(ErrorCode::cancelled, "this weir is stopping");
    if (!dispatcher_) {
      observers_.add(monitor_.meter());
      if (traces_) observers_.add(traces_->runs());  // with the executor's resources
      WEIR_TRY(start_delivering(log));
      dispatcher_ = scheduler::make_dispatcher(
          log, executor, clock_,
          {.workers = workers(),
           .rules = scheduler::dispatch_rules(project_),
           .observer = &observers_,
           .notices_for = [this](const Run& run, const Receipt& receipt, RunState state) {
             return pipeline::notices_for(project_, run, receipt, state, clock_.now());
           }});
      dispatcher_->start();
      history_keeper_ = scheduler::make_history_keeper(log, clock_, history_limits(), {});
      history_keeper_->start();
    }
    return dispatcher_.get();
  }

  Result<std::vector<Run>> pending_runs(const Pipeline& pipeline, bool force) override {
    pipeline::Resources& opened = *WEIR_TRY(resources());
    runlog::RunLog& log = *WEIR_TRY(run_log());
    if (!force) WEIR_TRY(scheduler::forget_lost_loads(project_, {&pipeline, 1}, opened, log));
    return scheduler::pending_runs(pipeline, opened, log, clock_, force);
  }

  std::vector<scheduler::RunningRun> running() override {
    scheduler::Dispatcher* runs = nullptr;
    {
      const std::lock_guard lock(dispatcher_mutex_);
      runs = dispatcher_.get();  // it stays as long as this
    }
    return runs == nullptr ? std::vector<scheduler::RunningRun>() : runs->running();
  }

  const scheduler::RunMeter& meter() const override { return monitor_.meter(); }

  Result<std::optional<ListenAddress>> start_monitoring(
      const std::optional<ListenAddress>& address) override {
    return monitor_.start([this] { return look(); }, address);
  }

  Result<runlog::KeyStore*> keys() override {
    const std::lock_guard lock(keys_mutex_);
    if (!keys_) {
      keys_ = WEIR_TRY(runlog::KeyStore::open((project_.state_dir() / "keys.sqlite").string()));
    }
    return keys_.get();
  }

  Result<ListenAddress> start_api(const ListenAddress& address, owner::Handler ask) override {
    pipeline::Resources& opened = *WEIR_TRY(resources());
    runlog::KeyStore& keys = *WEIR_TRY(this->keys());
    auto api = WEIR_TRY(ApiService::start(
        {project_, opened, keys, clock_, std::move(ask), monitor_.admin(), monitor_.metrics()},
        address));
    const std::lock_guard lock(api_mutex_);
    api_ = std::move(api);
    return api_->address();
  }

  Result<void> start_watching() override {
    scheduler::Dispatcher& runs = *WEIR_TRY(dispatcher());
    pipeline::Resources& opened = *WEIR_TRY(resources());
    runlog::RunLog& log = *WEIR_TRY(run_log());
    const std::lock_guard watching(watcher_mutex_);
    {
      const std::lock_guard lock(dispatcher_mutex_);
      if (draining_) return fail(ErrorCode::cancelled, "this weir is stopping");
    }
    runs.open_databases();
    WEIR_TRY(scheduler::forget_lost_loads(project_, project_.pipelines, opened, log));
    watcher_ = scheduler::make_watcher(project_, opened, log, runs, clock_, {});
    WEIR_TRY(watcher_->start());
    cron_ = scheduler::make_cron(project_, log, clock_, WEIR_TRY(scheduler::make_system_alarm()),
                                 [&runs] { runs.wake(); });
    WEIR_TRY(cron_->start());
    watching_ = true;
    monitor_.look_again();
    return {};
  }

  void drain(std::chrono::milliseconds grace) override {
    stopping_ = true;
    if (ApiService* api = this->api()) api->drain(grace);
    scheduler::Dispatcher* runs = nullptr;
    bool first = false;
    {
      const std::lock_guard lock(dispatcher_mutex_);
      first = !std::exchange(draining_, true);
      runs = dispatcher_.get();
    }
    if (first) {
      const std::lock_guard watching(watcher_mutex_);
      if (cron_) cron_->stop();
      if (watcher_) watcher_->stop();
    }
    if (runs == nullptr) return;
    runs->drain(grace);
    // What the last runs have to tell goes out, as far as it is taken at once.
    if (deliverer_) deliverer_->drain(std::min(grace, last_notices));
  }

 private:
  /// Null before the resources are open, and where the project has none.
  Traces* traces() {
    const std::lock_guard lock(resources_mutex_);
    return traces_.get();
  }
  /// Null before it has started; then it stays as long as this.
  ApiService* api() {
    const std::lock_guard lock(api_mutex_);
    return api_.get();
  }

  runlog::HistoryLimits history_limits() const {
    return {std::chrono::duration_cast<std::chrono::seconds>(
                std::chrono::milliseconds(project_.history.keep_ms)),
            static_cast<uint64_t>(project_.history.runs)};
  }

  static constexpr std::chrono::milliseconds last_notices{5'000};
  static constexpr std::chrono::milliseconds last_spans{2'000};

  /// Before the dispatcher is there. A project that tells nobody has no deliverer, unless it used
  /// to tell somebody.
  Result<void> start_delivering(runlog::RunLog& log) {
    const bool tells = std::ranges::any_of(project_.pipelines, [](const Pipeline& pipeline) {
      return !pipeline.steps.empty() && std::holds_alternative<NotifyStep>(pipeline.steps.back());
    });
    if (!tells && !WEIR_TRY(log.next_notice_due(clock_.now()))) return {};
    pipeline::Resources& opened = *WEIR_TRY(resources());
    deliverer_ = scheduler::make_notice_deliverer(project_, log, *opened.secrets, clock_,
                                                  {.tracer = opened.tracer});
    observers_.add(*deliverer_);
    deliverer_->start();
    return {};
  }

  static int workers() {
    return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2u, 8u));
  }

  /// Once `start_monitoring` was called, on a thread of its own.
  api::Vitals look() {
    api::Vitals vitals;
    const auto require = [&](std::string name, const Result<void>& met) {
      vitals.conditions.push_back(
          {std::move(name), met.has_value(), met ? std::string() : met.error().to_string()});
    };
    const auto not_ready = [](bool met, const char* why) -> Result<void> {
      if (met) return {};
      return fail(ErrorCode::unavailable, why);
    };
    running();  // does not come back when the dispatcher hangs, and neither does this look
    vitals.levels.state_free_bytes = free_bytes(project_.state_dir());
    if (const ApiService* api = this->api()) api->measure(vitals.levels);
    if (const Traces* traces = this->traces()) vitals.levels.spans = traces->counts();
    require("state folder", check_writable(project_.state_dir()));
    require("run log", measure(vitals.levels));
    require("triggers", not_ready(watching_, "not every trigger is watched yet"));
    require("running", not_ready(!stopping_, "weir is stopping"));
    for (const auto& [database, why] : monitor_.meter().open_breakers()) {
      require("database " + database.value(), fail(ErrorCode::unavailable, why));
    }
    vitals.levels.ready = vitals.ready();
    release_memory();
    return vitals;
  }

  void release_memory() {
    pipeline::Databases* databases = nullptr;
    {
      const std::lock_guard lock(resources_mutex_);
      if (resources_) databases = resources_->databases.get();  // it stays as long as this
    }
    if (databases != nullptr) databases->release_memory();
  }

  Result<void> measure(metrics::Levels& levels) {
    runlog::RunLog& log = *WEIR_TRY(run_log());
    levels.queued = WEIR_TRY(log.count(RunState::queued));
    levels.running = WEIR_TRY(log.count(RunState::running));
    levels.parked = WEIR_TRY(log.count(RunState::parked));
    const runlog::Waiting waiting = WEIR_TRY(log.waiting());
    levels.held = waiting.held;
    levels.notices_waiting = waiting.notices;
    return {};
  }

  const Project project_;
  const SystemClock clock_;
  Monitor monitor_{project_, clock_};  // its counters outlive the dispatcher
  std::atomic<bool> watching_ = false;
  std::atomic<bool> stopping_ = false;

  std::mutex run_log_mutex_;
  std::unique_ptr<runlog::RunLog> run_log_;

  std::mutex resources_mutex_;
  std::unique_ptr<Traces> traces_;
  std::optional<pipeline::Resources> resources_;

  std::mutex keys_mutex_;
  std::unique_ptr<runlog::KeyStore> keys_;

  std::mutex executor_mutex_;
  std::unique_ptr<pipeline::Executor> executor_;

  scheduler::RunObservers observers_;
  std::unique_ptr<scheduler::NoticeDeliverer> deliverer_;

  std::mutex dispatcher_mutex_;
  bool draining_ = false;  // guarded by dispatcher_mutex_
  std::unique_ptr<scheduler::Dispatcher> dispatcher_;
  std::unique_ptr<scheduler::HistoryKeeper> history_keeper_;

  std::mutex api_mutex_;
  std::unique_ptr<ApiService> api_;

  std::mutex watcher_mutex_;  // held while it starts or stops; taken before dispatcher_mutex_
  std::unique_ptr<scheduler::Watcher> watcher_;
  std::unique_ptr<scheduler::Cron> cron_;
};

}  // namespace

std::unique_ptr<cli::Services> make_world(Project project) {
  return std::make_unique<World>(std::move(project));
}

}  // namespace weir
