#include "scheduler/lease_desk.h"

#include <algorithm>

#include "base/log.h"

namespace weir::scheduler {
namespace {

/// The queue's lane of pipelines that need just these databases.
std::string lane_of(const std::vector<DatabaseName>& databases) {
  std::string lane;
  for (const DatabaseName& name : databases) lane += (lane.empty() ? "" : ",") + name.value();
  return lane;
}

}  // namespace

LeaseDesk::LeaseDesk(runlog::RunLog& log, const Clock& clock, const DispatchRules& rules,
                     Dice& dice, RunObserver& observer, Options options)
    : log_(log),
      clock_(clock),
      rules_(rules),
      dice_(dice),
      observer_(observer),
      options_(options),
      turns_(rules) {
  for (const auto& [name, pipeline] : rules_.pipelines) {
    most_at_once_ = std::max(most_at_once_, static_cast<size_t>(pipeline.concurrency));
    lanes_[lane_of(pipeline.databases)] = pipeline.databases;
  }
  most_at_once_ = std::min(most_at_once_, static_cast<size_t>(options_.workers));
}

/// So many runs that other workers get some of the pipeline too, where they may.
size_t LeaseDesk::share_of(size_t queued) const {
  return std::min(options_.batch, (queued + most_at_once_ - 1) / most_at_once_);
}

std::vector<std::string> LeaseDesk::closed_lanes() const {
  const std::set<DatabaseName> closed = turns_.closed_databases();
  std::vector<std::string> lanes;
  if (closed.empty()) return lanes;
  for (const auto& [lane, databases] : lanes_) {
    const auto is_closed = [&](const auto& name) { return closed.contains(name); };
    if (std::ranges::any_of(databases, is_closed)) lanes.push_back(lane);
  }
  return lanes;
}

Result<std::vector<Run>> LeaseDesk::take() {
  const std::lock_guard one_at_a_time(taking_);
  if (!rules_told_) {
    std::vector<runlog::QueueRule> rules;
    for (const auto& [name, pipeline] : rules_.pipelines) {
      rules.push_back({name, lane_of(pipeline.databases), pipeline.concurrency});
    }
    WEIR_TRY(log_.set_queue_rules(rules));
    rules_told_ = true;
  }
  for (;;) {
    const size_t queued = WEIR_TRY(log_.count(RunState::queued));
    if (queued == 0) {
      const std::lock_guard lock(mutex_);
      next_held_.reset();
      return std::vector<Run>();
    }
    std::vector<PipelineName> pipelines;
    std::vector<std::string> lanes;
    {
      const std::lock_guard lock(mutex_);
      pipelines = turns_.full_pipelines();
      lanes = closed_lanes();
    }
    const Timestamp now = clock_.now();
    auto batch =
        WEIR_TRY(log_.lease(share_of(queued), now, {.pipelines = pipelines, .lanes = lanes}));
    {
      const std::lock_guard lock(mutex_);
      if (!batch.empty()) turns_.begin(batch.front().pipeline);
    }
    const auto next_held = log_.next_due(now);
    const std::lock_guard lock(mutex_);
    next_held_ = next_held ? *next_held : now;
    looked_ = now;
    // What became due is let go a page at a time.
    if (!batch.empty() || !next_held_ || *next_held_ > now) return batch;
  }
}

void LeaseDesk::end_turn(const PipelineName& pipeline) {
  const std::lock_guard lock(mutex_);
  turns_.end(pipeline);
}

std::optional<Timestamp> LeaseDesk::next_look(Timestamp now) const {
  const std::lock_guard lock(mutex_);
  std::optional<Timestamp> next = next_held_;
  if (next && now < looked_) next = now;  // the clock was set back
  const auto probe = breaker_.next_probe(now);
  if (probe && (!next || *probe < *next)) next = probe;
  return next;
}

std::optional<DatabaseName> LeaseDesk::take_probe() {
  const std::lock_guard lock(mutex_);
  return breaker_.take_probe(clock_.now());
}

void LeaseDesk::found_down(const DatabaseName& database, const Error& error) {
  CircuitBreaker::Found found;
  {
    const std::lock_guard lock(mutex_);
    found = breaker_.found_down(database, clock_.now(), dice_.roll());
    turns_.set_down(database);
  }
  if (!found.opened) {
    log::debug("database {} is still down: {}", database.value(), error.to_string());
    return;
  }
  log::error("database {} is down, and its runs wait: {}", database.value(), error.to_string());
  observer_.breaker(database, BreakerState::open, error.to_string());
}

bool LeaseDesk::found_up(const DatabaseName& database) {
  {
    const std::lock_guard lock(mutex_);
    if (!breaker_.found_up(database)) return false;
    turns_.set_up(database);
  }
  log::info("database {} is up again, and its runs go on", database.value());
  observer_.breaker(database, BreakerState::closed, "");
  return true;
}

void LeaseDesk::worked(const PipelineName& pipeline) {
  const std::lock_guard lock(mutex_);
  for (const DatabaseName& database : rules_.of(pipeline).databases) breaker_.worked(database);
}

}  // namespace weir::scheduler
