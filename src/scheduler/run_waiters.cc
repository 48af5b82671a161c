#include "scheduler/run_waiters.h"

namespace weir::scheduler {
namespace {

constexpr std::chrono::milliseconds progress_interval{100};

bool is_final(RunState state) { return state != RunState::queued && state != RunState::running; }

RunProgress seen(const RunId& id, const pipeline::Progress& progress) {
  return {id, progress.bytes_read, progress.bytes_total, progress.rows_read};
}

}  // namespace

void RunWaiters::begin(std::span<const Run> runs,
                       const std::shared_ptr<pipeline::Progress>& progress) {
  const std::lock_guard lock(mutex_);
  if (cancelled_) progress->stop();
  for (const Run& run : runs) {
    active_[run.id] = {run.pipeline, progress};
    put_off_.erase(run.id);
  }
}

void RunWaiters::end(std::span<const Run> runs) {
  const std::lock_guard lock(mutex_);
  for (const Run& run : runs) active_.erase(run.id);
}

std::vector<RunningRun> RunWaiters::running() const {
  const std::lock_guard lock(mutex_);
  std::vector<RunningRun> all;
  for (const auto& [id, active] : active_) {
    all.push_back({active.pipeline, seen(id, *active.progress)});
  }
  return all;
}

void RunWaiters::tell(const RunId& id) {
  const std::lock_guard lock(mutex_);
  put_off_.erase(id);
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  ++found->second.told;
  changed_.notify_all();
}

void RunWaiters::put_off(const RunId& id, const Error& why) {
  const std::lock_guard lock(mutex_);
  put_off_[id] = why;
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  ++found->second.told;
  changed_.notify_all();
}

Result<Run> RunWaiters::wait(const RunId& id,
                             const std::function<void(const RunProgress&)>& on_progress) {
  std::unique_lock lock(mutex_);
  ++waiting_[id].waiters;  // before the look into the log, so that no verdict passes unseen
  for (;;) {
    const bool last_look = closed_;
    const uint64_t told = waiting_[id].told;
    lock.unlock();
    auto found = log_.find(id);
    lock.lock();
    const bool is_there = found && *found;
    const auto put_off = put_off_.find(id);
    const bool is_put_off = put_off != put_off_.end();
    if (!is_there || is_final((*found)->state) || last_look || is_put_off) {
      if (--waiting_[id].waiters == 0) waiting_.erase(id);
      if (!found) return fail(std::move(found).error());
      if (!is_there) return fail(ErrorCode::not_found, "there is no run " + id.value());
      if (is_final((*found)->state)) return **std::move(found);
      if (is_put_off) {
        const Error& why = put_off->second;
        return fail(ErrorCode::unavailable, why.message,
                    (why.fix.empty() ? "" : why.fix + "; ") + "run " + id.value() +
                        " is queued, and will be run when that is mended");
      }
      return fail(ErrorCode::cancelled, "weir stopped before run " + id.value() + " had ended",
                  "it is queued and will be run when weir is up again");
    }
    const auto ended = [&] { return waiting_[id].told != told || closed_; };
    if (!on_progress) {
      changed_.wait(lock, ended);
      continue;
    }
    while (!changed_.wait_for(lock, progress_interval, ended)) report(id, lock, on_progress);
  }
}

void RunWaiters::report(const RunId& id, std::unique_lock<std::mutex>& lock,
                        const std::function<void(const RunProgress&)>& on_progress) {
  const auto found = active_.find(id);
  if (found == active_.end()) return;
  const std::shared_ptr<pipeline::Progress> progress = found->second.progress;
  lock.unlock();
  on_progress(seen(id, *progress));
  lock.lock();
}

void RunWaiters::cancel() {
  std::vector<std::shared_ptr<pipeline::Progress>> at_work;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (const auto& [id, active] : active_) at_work.push_back(active.progress);
  }
  // Without the lock: to interrupt a server's statement may take a moment.
  for (const auto& progress : at_work) progress->stop();
}

void RunWaiters::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace weir::scheduler
