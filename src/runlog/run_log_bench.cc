#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "io/temporary_folder_for_test.h"
#include "runlog/run_log.h"

namespace weir::runlog {
namespace {

constexpr size_t page = 1000;

/// The value, or the end: a benchmark of errors says nothing.
template <class T>
T value(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

/// A run log with so many queued runs, spread over so many pipelines.
class Queue {
 public:
  Queue(size_t queued, size_t pipelines) : pipelines_(pipelines) {
    for (size_t added = 0; added < queued;) {
      std::vector<Run> runs;
      while (runs.size() < page && added < queued) {
        runs.push_back(next_run());
        ++added;
      }
      value(log().enqueue(runs));
    }
  }

  RunLog& log() { return *log_; }
  Run next_run() {
    Run run;
    run.created = run.scheduled_for = now();
    run.id = new_run_id(run.created);
    run.pipeline = PipelineName("p" + std::to_string(made_ % pipelines_));
    run.object = ObjectRef{BucketName("landing"), ObjectKey("key-" + std::to_string(made_))};
    run.trigger = "watch";
    ++made_;
    return run;
  }
  Timestamp now() const { return Timestamp(std::chrono::microseconds(1 + made_)); }
  /// Leases up to `limit` runs and finishes them; returns how many.
  size_t work(size_t limit) {
    std::vector<FinishedRun> finished;
    for (const Run& run : value(log().lease(limit, now()))) {
      finished.push_back({run.id, RunState::succeeded, "{\"status\":\"succeeded\"}", "", {}});
    }
    if (!log().finish(finished, now())) std::abort();
    return finished.size();
  }

 private:
  const size_t pipelines_;
  size_t made_ = 0;
  io::TemporaryFolder folder_;
  std::unique_ptr<RunLog> log_ = value(open_sqlite_run_log(folder_.path("run_log.sqlite")));
};

/// One run's way: enqueued (synced to the disk), leased, finished. The queue keeps its length.
void one_run(benchmark::State& state) {
  Queue queue(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)));
  for ([[maybe_unused]] auto each : state) {
    const Run run = queue.next_run();
    value(queue.log().enqueue(std::span(&run, 1)));
    benchmark::DoNotOptimize(queue.work(1));
  }
  state.SetItemsProcessed(state.iterations());
}

/// What the dispatcher does with small files: 32 runs leased and finished at once. Runs that were
/// done are replaced in pages, outside the clock.
void batches(benchmark::State& state) {
  const auto queued = static_cast<size_t>(state.range(0));
  Queue queue(queued, static_cast<size_t>(state.range(1)));
  size_t done = 0, missing = 0;
  for ([[maybe_unused]] auto each : state) {
    const size_t worked = queue.work(32);
    done += worked;
    missing += worked;
    if (missing < std::min(queued, page)) continue;
    state.PauseTiming();
    std::vector<Run> runs;
    for (; missing > 0; --missing) runs.push_back(queue.next_run());
    value(queue.log().enqueue(runs));
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(done));
}

// Runs queued, and the pipelines they are spread over.
BENCHMARK(one_run)->Args({10, 1})->Args({100'000, 1})->Args({100'000, 10'000});
BENCHMARK(batches)->Args({64, 1})->Args({100'000, 1})->Args({100'000, 100});

}  // namespace
}  // namespace weir::runlog
