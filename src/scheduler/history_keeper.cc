#include "scheduler/history_keeper.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace weir::scheduler {
namespace {

class ThreadedKeeper final : public HistoryKeeper {
 public:
  ThreadedKeeper(runlog::RunLog& log, const Clock& clock, const runlog::HistoryLimits& limits,
                 HistoryKeeperOptions options)
      : log_(log), clock_(clock), limits_(limits), options_(std::move(options)) {}
  ~ThreadedKeeper() override { stop(); }

  void start() override {
    WEIR_CHECK(!thread_.joinable(), "a history keeper is started once");
    thread_ = std::thread([this] { keep(); });
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    const std::lock_guard one_joins(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void keep() {
    do {
      const size_t deleted = look();
      if (options_.on_look) options_.on_look(deleted);
    } while (!stops_within(options_.pause));
  }

  size_t look() {
    size_t deleted = 0;
    while (!stops_within(std::chrono::milliseconds(0))) {
      const auto pruned = log_.prune(limits_, clock_.now(), options_.step);
      if (!pruned) {
        log::warning("the run log's history is not pruned: {}", pruned.error().to_string());
        break;
      }
      deleted += *pruned;
      if (*pruned < options_.step) break;
    }
    return deleted;
  }

  bool stops_within(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return stopping_; });
  }

  runlog::RunLog& log_;
  const Clock& clock_;
  const runlog::HistoryLimits limits_;
  const HistoryKeeperOptions options_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::mutex join_mutex_;  // one stop() joins
  std::thread thread_;
};

}  // namespace

std::unique_ptr<HistoryKeeper> make_history_keeper(runlog::RunLog& log, const Clock& clock,
                                                   const runlog::HistoryLimits& limits,
                                                   HistoryKeeperOptions options) {
  return std::make_unique<ThreadedKeeper>(log, clock, limits, std::move(options));
}

}  // namespace weir::scheduler
