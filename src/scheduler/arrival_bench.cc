#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "io/temporary_folder_for_test.h"
#include "scheduler/watcher.h"

namespace weir::scheduler {
namespace {

using Steady = std::chrono::steady_clock;

/// Executes nothing; notes when it was asked to.
class InstantExecutor final : public pipeline::Executor {
 public:
  std::vector<pipeline::RunOutcome> execute(std::span<const Run> runs,
                                            pipeline::Progress&) override {
    std::vector<pipeline::RunOutcome> outcomes(runs.size());
    for (size_t i = 0; i < runs.size(); ++i) {
      outcomes[i].receipt.run = runs[i].id;
      outcomes[i].receipt.object = runs[i].object;
      outcomes[i].receipt.status = RunState::succeeded;
    }
    const std::lock_guard lock(mutex_);
    executed_ += runs.size();
    last_ = Steady::now();
    changed_.notify_all();
    return outcomes;
  }
  void order_replay(const RunId&, pipeline::ReplayOrder) override {}
  Result<void> reach(const DatabaseName&) override { return {}; }
  Result<bool> is_loaded(const PipelineName&, const ObjectRef&) override { return false; }

  Steady::time_point wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return executed_ >= count; });
    return last_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t executed_ = 0;
  Steady::time_point last_;
};

/// A watched bucket without anything behind it.
struct Arrivals {
  Arrivals() {
    BucketConfig bucket;
    bucket.name = BucketName("landing");
    bucket.path = folder.path("landing");
    project.buckets.push_back(bucket);
    Pipeline pipeline;
    pipeline.name = PipelineName("p");
    pipeline.triggers.emplace_back(ObjectTrigger{bucket.name, "*.json", {}});
    project.pipelines.push_back(pipeline);
    log = std::move(*runlog::open_sqlite_run_log(folder.path("runs.sqlite")));
    resources.buckets[bucket.name] = std::move(*objects::open_bucket(bucket));
    dispatcher = make_dispatcher(*log, executor, clock, {});
    dispatcher->start();
    watcher = make_watcher(project, resources, *log, *dispatcher, clock, {});
  }
  ~Arrivals() {
    watcher->stop();
    dispatcher->drain(std::chrono::seconds(10));
  }
  std::string path(size_t number) const {
    return folder.path("landing/" + std::to_string(number) + ".json");
  }

  io::TemporaryFolder folder;
  SystemClock clock;
  Project project;
  pipeline::Resources resources;
  std::unique_ptr<runlog::RunLog> log;
  InstantExecutor executor;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<Watcher> watcher;
};

/// From the file's closing to the executor's call, one file at a time.
void close_to_execution(benchmark::State& state) {
  Arrivals arrivals;
  if (!arrivals.watcher->start()) return state.SkipWithError("no watch");
  std::vector<double> milliseconds;
  for (auto _ : state) {
    const int file = ::open(arrivals.path(milliseconds.size()).c_str(),
                            O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (::write(file, "{}\n", 3) != 3) return state.SkipWithError("cannot write");
    const auto closed = Steady::now();
    ::close(file);
    const auto executed = arrivals.executor.wait_for(milliseconds.size() + 1);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(executed - closed).count());
    state.SetIterationTime(milliseconds.back() / 1000);
  }
  std::ranges::sort(milliseconds);
  state.counters["p50_ms"] = milliseconds[milliseconds.size() / 2];
  state.counters["p99_ms"] = milliseconds[milliseconds.size() * 99 / 100];
}
BENCHMARK(close_to_execution)->Iterations(1000)->UseManualTime()->Unit(benchmark::kMillisecond);

/// Many small files, until the last one has been executed.
void burst(benchmark::State& state) {
  Arrivals arrivals;
  if (!arrivals.watcher->start()) return state.SkipWithError("no watch");
  const auto files = static_cast<size_t>(state.range(0));
  size_t written = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < files; ++i) std::ofstream(arrivals.path(written++)) << "{}\n";
    arrivals.executor.wait_for(written);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(files));
}
BENCHMARK(burst)->Arg(5000)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

/// A start over a bucket whose objects are all known: what a rescan costs.
void rescan(benchmark::State& state) {
  Arrivals arrivals;
  const auto files = static_cast<size_t>(state.range(0));
  for (size_t i = 0; i < files; ++i) std::ofstream(arrivals.path(i)) << "{}\n";
  if (!arrivals.watcher->start()) return state.SkipWithError("no watch");
  arrivals.executor.wait_for(files);  // after their rest
  for (auto _ : state) {
    state.PauseTiming();
    arrivals.watcher->stop();
    arrivals.watcher = make_watcher(arrivals.project, arrivals.resources, *arrivals.log,
                                    *arrivals.dispatcher, arrivals.clock, {});
    state.ResumeTiming();
    if (!arrivals.watcher->start()) return state.SkipWithError("no watch");
  }
}
BENCHMARK(rescan)->Arg(100'000)->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::scheduler
