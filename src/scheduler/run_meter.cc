#include "scheduler/run_meter.h"

namespace weir::scheduler {
namespace {

/// A rule that a receipt found in the ledger does not name.
constexpr const char* unknown_rule = "(unknown)";

bool ended_badly(RunState state) { return state == RunState::failed || state == RunState::parked; }

}  // namespace

void RunMeter::started(const Run& run) {
  // Only the first try says how late the schedule is; later ones were put off on purpose.
  const bool scheduled = run.trigger == "cron" && run.tries <= 1;
  metrics_.run_started(
      run.pipeline,
      scheduled ? std::optional<metrics::Seconds>(clock_.now() - run.scheduled_for) : std::nullopt);
}

void RunMeter::retried(const Run& run, const Error&, std::chrono::milliseconds) {
  metrics_.run_retried(run.pipeline);
}

void RunMeter::finished(const Run& run, const Receipt& receipt, RunState state) {
  metrics::EndedRun ended;
  ended.pipeline = run.pipeline;
  ended.state = state;
  ended.rows = receipt.rows;
  ended.duration = metrics::Seconds(receipt.duration_ms / 1000);
  ended.at = clock_.now();
  const bool committed = state == RunState::succeeded || state == RunState::partial;
  if (committed && run.trigger == "watch") ended.since_arrival = clock_.now() - run.created;
  metrics_.run_ended(ended);
  uint64_t named = 0;
  for (const auto& [rule, rows] : receipt.broken_rules) {
    metrics_.rejected(run.pipeline, rule, rows);
    named += rows;
  }
  if (named < receipt.rows.rejected) {
    metrics_.rejected(run.pipeline, unknown_rule, receipt.rows.rejected - named);
  }

  const int64_t now = slot_now();
  const std::lock_guard lock(mutex_);
  forget_old(now);
  Minute::Slot& slot = minutes_[run.pipeline].ring[static_cast<size_t>(now) % slots];
  if (slot.number != now) slot = {now, {}};
  ++slot.runs.ended;
  slot.runs.failed += ended_badly(state) ? 1 : 0;
  slot.runs.rows += receipt.rows.read;
}

void RunMeter::breaker(const DatabaseName& database, BreakerState state, const std::string& why) {
  metrics_.breaker(database, state == BreakerState::open);
  const std::lock_guard lock(mutex_);
  if (state == BreakerState::open) {
    open_[database] = why;
  } else {
    open_.erase(database);
  }
}

int64_t RunMeter::slot_now() const {
  return std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count() /
         slot_seconds;
}

/// Once per minute, so that pipelines that ran once do not stay for ever.
void RunMeter::forget_old(int64_t now) {
  if (now < forgotten_ + static_cast<int64_t>(slots) && now >= forgotten_) return;
  forgotten_ = now;
  std::erase_if(minutes_, [&](const auto& minute) {
    for (const Minute::Slot& slot : minute.second.ring) {
      if (slot.number > now - static_cast<int64_t>(slots) && slot.number <= now) return false;
    }
    return true;
  });
}

std::map<PipelineName, RecentRuns> RunMeter::last_minute() const {
  const int64_t now = slot_now();
  std::map<PipelineName, RecentRuns> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [pipeline, minute] : minutes_) {
    RecentRuns sum;
    for (const Minute::Slot& slot : minute.ring) {
      if (slot.number <= now - static_cast<int64_t>(slots) || slot.number > now) continue;
      sum.ended += slot.runs.ended;
      sum.failed += slot.runs.failed;
      sum.rows += slot.runs.rows;
    }
    if (sum.ended > 0) all[pipeline] = sum;
  }
  return all;
}

std::map<DatabaseName, std::string> RunMeter::open_breakers() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace weir::scheduler
