#include "scheduler/bucket_watcher.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "base/fault_point.h"
#include "base/log.h"
#include "scheduler/known_cursor.h"

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr size_t most_per_submit = 1000;
constexpr milliseconds write_down_delay{200};   // off the way from arrival to commit
constexpr milliseconds shortest_rest{100};      // between two looks at one that is being written
constexpr milliseconds retry_delay{1000};       // after a queue that could not be written
constexpr milliseconds unwatched_rescan{2000};  // where no event will tell
constexpr int scan_share = 333;                 // a rescan may cost 1/333 of the time between two
constexpr int scan_share_after_loss = 3;

nanoseconds thread_cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

std::vector<std::string> merged_patterns(const std::vector<Subscription>& subscriptions) {
  std::vector<std::string> patterns;
  for (const Subscription& subscription : subscriptions) {
    patterns.insert(patterns.end(), subscription.patterns.begin(), subscription.patterns.end());
  }
  std::ranges::sort(patterns);
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  return patterns;
}

}  // namespace

BucketWatcher::BucketWatcher(const BucketConfig& config, objects::Bucket& bucket,
                             std::vector<Subscription> subscriptions, runlog::RunLog& log,
                             Dispatcher& dispatcher, const Clock& clock, WatcherOptions options)
    : config_(config),
      bucket_(bucket),
      subscriptions_(std::move(subscriptions)),
      all_patterns_(merged_patterns(subscriptions_)),
      log_(log),
      dispatcher_(dispatcher),
      clock_(clock),
      options_(std::move(options)),
      settle_(std::max<int64_t>(config.settle_ms, 0)) {
  for (const Subscription& subscription : subscriptions_) {
    patterns_.emplace_back(subscription.patterns);
  }
}

Result<void> BucketWatcher::start() {
  {
    const std::lock_guard lock(mutex_);
    scanning_ = true;  // what arrives from here on is not queued twice
  }
  open_watch();
  WEIR_TRY(rescan());  // after the watch: nothing arrives between the two
  thread_ = std::thread([this] { work(); });
  return {};
}

void BucketWatcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  watch_.reset();
  write_down();
}

void BucketWatcher::open_watch() {
  objects::FileWatchEvents events;
  events.arrived = [this](const std::vector<ObjectKey>& keys) { arrived(keys); };
  events.unsettled = [this](const std::vector<ObjectKey>& keys) { unsettled(keys); };
  events.lost = [this] { lost(); };
  auto opened = objects::FileWatch::start(config_.path.string(), all_patterns_, std::move(events),
                                          {options_.read_events});
  if (opened) {
    watch_ = *std::move(opened);
  } else if (!std::exchange(watch_failed_, true)) {
    log::warning("bucket {}: new files are found by rescans only: {}", config_.name.value(),
                 opened.error().to_string());
  }
}

void BucketWatcher::arrived(const std::vector<ObjectKey>& keys) {
  std::vector<Candidate> candidates;
  for (const ObjectKey& key : keys) {
    const auto stat = bucket_.stat(key);
    if (!stat) continue;  // gone again, or no file
    for (size_t i = 0; i < subscriptions_.size(); ++i) {
      if (patterns_[i].matches(key.value())) candidates.push_back({*stat, i});
    }
  }
  if (!candidates.empty()) submit(candidates);
}

void BucketWatcher::unsettled(const std::vector<ObjectKey>& keys) {
  for (const ObjectKey& key : keys) {
    const auto stat = bucket_.stat(key);
    if (!stat) continue;
    for (size_t i = 0; i < subscriptions_.size(); ++i) {
      if (patterns_[i].matches(key.value())) leave_to_rest({*stat, i});
    }
  }
}

void BucketWatcher::lost() {
  log::info("bucket {}: events were lost; rescanning", config_.name.value());
  const std::lock_guard lock(mutex_);
  // A flood of events must not become a flood of rescans.
  const auto pause = scanning_ ? nanoseconds(0) : scan_cost_ * scan_share_after_loss;
  rescan_due_ = std::min(rescan_due_, std::chrono::steady_clock::now() +
                                          std::chrono::duration_cast<SteadyTime::duration>(pause));
  wake_.notify_all();
}

/// Queues a run per candidate, in one transaction. What could not be queued is found by a rescan.
bool BucketWatcher::submit(std::span<const Candidate> candidates) {
  const Timestamp now = clock_.now();
  std::vector<Run> runs;
  runs.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    const Pipeline& pipeline = *subscriptions_[candidate.pipeline].pipeline;
    Run& run = runs.emplace_back();
    run.id = new_run_id(now);
    run.pipeline = pipeline.name;
    run.object = ObjectRef{config_.name, candidate.stat.key};
    run.trigger = "watch";
    run.priority = pipeline.priority;
    run.scheduled_for = now;
    run.created = now;
  }
  const auto submitted = dispatcher_.submit(runs);
  fault_point("watch-submitted");
  const std::lock_guard lock(mutex_);
  if (!submitted) {
    log::error("bucket {}: cannot queue {} runs: {}", config_.name.value(), runs.size(),
               submitted.error().to_string());
    rescan_due_ = std::min(rescan_due_, std::chrono::steady_clock::now() + retry_delay);
    wake_.notify_all();
    return false;
  }
  if (submitted_.empty()) {
    write_down_due_ = std::chrono::steady_clock::now() + write_down_delay;
    wake_.notify_all();
  }
  submitted_.insert(submitted_.end(), candidates.begin(), candidates.end());
  for (const Candidate& candidate : candidates) {
    settling_.remove(candidate.stat.key);
    if (scanning_) during_scan_[candidate.stat.key] = candidate.stat;
  }
  return true;
}

void BucketWatcher::leave_to_rest(const Candidate& candidate) {
  const std::lock_guard lock(mutex_);
  settling_.add(candidate, std::chrono::steady_clock::now() + std::max(settle_, shortest_rest));
  wake_.notify_all();
}

void BucketWatcher::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    if (const SteadyTime due = next_due(); due > now) {
      wake_.wait_until(lock, due);
      continue;
    }
    auto rested = settling_.take_due(now);
    const bool scan = rescan_due_ <= now;
    const bool write = !submitted_.empty() && write_down_due_ <= now;
    lock.unlock();
    if (!rested.empty()) look_again(std::move(rested));
    if (write) write_down();
    if (scan) {
      if (!watch_) open_watch();
      if (const auto scanned = rescan(); !scanned) {
        log::error("bucket {}: cannot rescan: {}", config_.name.value(),
                   scanned.error().to_string());
      }
    }
    lock.lock();
  }
}

BucketWatcher::SteadyTime BucketWatcher::next_due() const {
  SteadyTime due = rescan_due_;
  if (!submitted_.empty()) due = std::min(due, write_down_due_);
  if (const auto rested = settling_.next_due()) due = std::min(due, *rested);
  return due;
}

Result<void> BucketWatcher::rescan() {
  const nanoseconds begin = thread_cpu_time();
  {
    const std::lock_guard lock(mutex_);
    scanning_ = true;
    rescan_due_ = SteadyTime::max();  // a loss from here on asks for the next one
  }
  write_down();
  auto changed = find_changed();
  std::vector<Candidate> ready;
  if (changed) {
    for (Candidate& candidate : *changed) {
      if (arrived_meanwhile(candidate)) continue;
      if (has_rested(candidate.stat) && !bucket_.is_being_written(candidate.stat.key)) {
        ready.push_back(std::move(candidate));
      } else {
        leave_to_rest(candidate);
      }
    }
    submit_in_order(std::move(ready));
  }
  {
    const std::lock_guard lock(mutex_);
    scanning_ = false;
    during_scan_.clear();
  }
  plan_rescan(thread_cpu_time() - begin);
  if (!changed) return fail(std::move(changed).error());
  return {};
}

bool BucketWatcher::arrived_meanwhile(const Candidate& candidate) {
  const std::lock_guard lock(mutex_);
  const auto found = during_scan_.find(candidate.stat.key);
  return found != during_scan_.end() && found->second == candidate.stat;
}

/// Compares the listing with the run log's memory, side by side; forgets what is gone.
Result<std::vector<Candidate>> BucketWatcher::find_changed() {
  std::vector<KnownCursor> known;
  for (const Subscription& subscription : subscriptions_) {
    known.emplace_back(log_, subscription.pipeline->name, config_.name);
  }
  std::vector<Candidate> changed;
  std::optional<Error> failed;
  WEIR_TRY(bucket_.list_any(all_patterns_, [&](const objects::ObjectStat& stat) {
    for (size_t i = 0; i < subscriptions_.size() && !failed; ++i) {
      if (!patterns_[i].matches(stat.key.value())) continue;
      const auto same = known[i].knows(stat);
      if (!same) {
        failed = same.error();
      } else if (!*same) {
        changed.push_back({stat, i});
      }
    }
    return !failed;
  }));
  if (failed) return fail(*std::move(failed));
  for (size_t i = 0; i < subscriptions_.size(); ++i) {
    const auto gone = WEIR_TRY(known[i].gone());
    if (!gone.empty()) WEIR_TRY(log_.forget(subscriptions_[i].pipeline->name, gone));
  }
  return changed;
}

/// Stretches the time between rescans with what one costs.
void BucketWatcher::plan_rescan(nanoseconds cost) {
  const bool watched = watch_ && watch_->complete();
  const nanoseconds base = watched ? options_.rescan : std::min(options_.rescan, unwatched_rescan);
  const nanoseconds pause = std::max(base, cost * scan_share);
  const std::lock_guard lock(mutex_);
  scan_cost_ = cost;
  rescan_due_ = std::min(rescan_due_, std::chrono::steady_clock::now() + pause);
}

bool BucketWatcher::has_rested(const objects::ObjectStat& stat) const {
  const auto now = std::chrono::duration_cast<nanoseconds>(clock_.now().time_since_epoch());
  const auto changed = nanoseconds(std::max(stat.mtime_ns, stat.ctime_ns));
  return now - changed >= settle_;
}

/// Their rest is over: who has not changed meanwhile is read, whatever the clocks say that stamped
/// it; who has, or is still being written, rests again.
void BucketWatcher::look_again(std::vector<Candidate> candidates) {
  std::vector<Candidate> ready;
  for (Candidate& candidate : candidates) {
    auto stat = bucket_.stat(candidate.stat.key);
    if (!stat) continue;
    const bool unchanged = *stat == candidate.stat;
    candidate.stat = *std::move(stat);
    if (unchanged && !bucket_.is_being_written(candidate.stat.key)) {
      ready.push_back(std::move(candidate));
    } else {
      leave_to_rest(candidate);
    }
  }
  submit_in_order(std::move(ready));
}

/// Oldest change first, then by key: as if they had been seen arriving.
void BucketWatcher::submit_in_order(std::vector<Candidate> candidates) {
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return std::tie(a.stat.mtime_ns, a.stat.key) < std::tie(b.stat.mtime_ns, b.stat.key);
  });
  for (size_t begin = 0; begin < candidates.size(); begin += most_per_submit) {
    const size_t count = std::min(most_per_submit, candidates.size() - begin);
    if (!submit(std::span(candidates).subspan(begin, count))) return;
  }
}

/// What was submitted goes into the run log's memory, in the state it had before it was submitted:
/// a later change shows.
void BucketWatcher::write_down() {
  std::vector<Candidate> submitted;
  {
    const std::lock_guard lock(mutex_);
    submitted.swap(submitted_);
  }
  if (submitted.empty()) return;
  std::vector<std::vector<runlog::KnownObject>> known(subscriptions_.size());
  for (const Candidate& candidate : submitted) {
    known[candidate.pipeline].push_back(to_known(config_.name, candidate.stat));
  }
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i].empty()) continue;
    const auto written = log_.remember(subscriptions_[i].pipeline->name, known[i]);
    if (!written) {
      log::warning("bucket {}: {} objects will be looked at again: {}", config_.name.value(),
                   known[i].size(), written.error().to_string());
    }
  }
}

}  // namespace weir::scheduler
