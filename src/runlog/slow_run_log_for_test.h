#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "runlog/run_log_values.h"

namespace weir::runlog::testing {

/// What a run log must do, said as plainly as possible: everything in one list, every question
/// asked of all of it.
class SlowRunLog {
 public:
  struct Held {
    Timestamp since, until;
  };
  struct Entry {
    Run run;
    std::optional<Held> held = {};
    std::vector<std::string> log = {};
  };
  struct Sent {
    Notice notice;
    Timestamp due, since;
  };

  std::vector<Entry> entries;  // in the order they came
  std::map<std::string, Sent> notices;
  std::map<ScheduleKey, Timestamp> marks;

  RunId enqueue(const Run& run) {
    know(run.pipeline);
    if (run.object && run.trigger != replay_trigger) {
      for (Entry& entry : entries) {
        Run& twin = entry.run;
        if (twin.state != RunState::queued || !same_object(twin, run) || twin.force != run.force ||
            twin.trigger == replay_trigger) {
          continue;
        }
        twin.priority = std::max(twin.priority, run.priority);
        if (run.trigger != "watch") entry.held.reset();
        return twin.id;
      }
    }
    entries.push_back({run});
    return run.id;
  }

  std::vector<Run> lease(size_t limit, Timestamp now, const Closed& closed) {
    for (Entry& entry : entries) {
      if (entry.held && (entry.held->until <= now || entry.held->since > now)) entry.held.reset();
    }
    std::vector<Entry*> best;
    for (const PipelineName& pipeline : pipelines_) {
      if (std::ranges::find(closed.pipelines, pipeline) != closed.pipelines.end() ||
          std::ranges::find(closed.lanes, rules_[pipeline].lane) != closed.lanes.end()) {
        continue;
      }
      auto ready = ready_of(pipeline);
      const auto rank = [this](const Entry* first) {
        return std::tuple(-first->run.priority, served_[first->run.pipeline]);
      };
      if (!ready.empty() && (best.empty() || rank(ready.front()) < rank(best.front()))) {
        best = std::move(ready);
      }
    }
    std::vector<Run> runs;
    std::set<std::optional<ObjectRef>> objects;
    for (Entry* entry : best) {
      if (runs.size() == limit || objects.contains(std::nullopt)) break;
      if (!objects.insert(entry->run.object).second) continue;
      entry->run.state = RunState::running;
      entry->run.tries += 1;
      entry->run.started = now;
      runs.push_back(entry->run);
    }
    if (!runs.empty()) served_[runs.front().pipeline] = ++leases_;
    return runs;
  }

  void finish(const FinishedRun& finished, Timestamp now) {
    Entry& entry = *find(finished.id);
    Run& run = entry.run;
    run.state = finished.state;
    run.finished = now;
    run.error = finished.error;
    run.receipt = finished.receipt;
    entry.held.reset();
    for (const LogLine& line : finished.log) entry.log.push_back(line.message);
    for (const Notice& notice : finished.notices) {
      notices[notice.id] = {notice, now, now};
      notices[notice.id].notice.run = run.id;
    }
    if (run.state == RunState::failed || run.trigger == replay_trigger) return;
    for (Entry& other : entries) {
      if (&other == &entry || other.run.state != RunState::parked) continue;
      const bool same = run.object ? same_object(other.run, run)
                                   : !other.run.object && other.run.pipeline == run.pipeline &&
                                         other.run.scheduled_for == run.scheduled_for;
      if (same) other.run.state = RunState::failed;
    }
  }

  void retry_later(const RunId& id, Timestamp now, Timestamp not_before, const LogLine& line,
                   Attempt attempt) {
    Entry& entry = *find(id);
    entry.run.state = RunState::queued;
    entry.run.failures += attempt == Attempt::failed ? 1 : 0;
    entry.held = Held{now, not_before};
    entry.log.push_back(line.message);
  }

  void requeue(const RunId& id) {
    Entry& entry = *find(id);
    if (entry.run.state == RunState::running) entry.run.state = RunState::queued;
  }

  size_t recover() {
    size_t count = 0;
    for (Entry& entry : entries) {
      if (entry.run.state != RunState::running) continue;
      entry.run.state = RunState::queued;
      ++count;
    }
    return count;
  }

  bool retry(const RunId& id) {
    Run& run = find(id)->run;
    if (run.state != RunState::parked && run.state != RunState::failed) return false;
    if (run.trigger == replay_trigger) return false;
    run.state = RunState::queued;
    run.tries = run.failures = 0;
    run.started = run.finished = std::nullopt;
    run.error = run.receipt = "";
    return true;
  }

  bool dismiss(const RunId& id) {
    Run& run = find(id)->run;
    if (run.state != RunState::parked) return false;
    run.state = RunState::failed;
    return true;
  }

  void set_rules(std::span<const QueueRule> rules) {
    rules_.clear();
    for (const QueueRule& rule : rules) {
      know(rule.pipeline);
      rules_[rule.pipeline] = rule;
    }
  }

  void fire(const Fires& fires) {
    for (const Run& run : fires.runs) enqueue(run);
    know(fires.mark.key.pipeline);
    marks[fires.mark.key] = fires.mark.through;
  }

  std::optional<Timestamp> next_due(Timestamp now) const {
    std::optional<Timestamp> due;
    for (const Entry& entry : entries) {
      if (!entry.held) continue;
      const Timestamp time = entry.held->since > now ? now : std::max(now, entry.held->until);
      due = due ? std::min(*due, time) : time;
    }
    return due;
  }

  std::set<std::string> due_notices(Timestamp now) const {
    std::set<std::string> due;
    for (const auto& [id, sent] : notices) {
      if (sent.due <= now || sent.since > now) due.insert(id);
    }
    return due;
  }

  size_t prune(const HistoryLimits& limits, Timestamp now, size_t at_most) {
    std::vector<size_t> finished;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (is_over(entries[i].run.state)) finished.push_back(i);
    }
    const size_t excess = finished.size() > limits.runs ? finished.size() - limits.runs : 0;
    std::erase_if(finished, [this](size_t i) { return tells(entries[i].run.id); });
    std::ranges::stable_sort(finished, {}, [this](size_t i) { return *entries[i].run.finished; });
    std::set<RunId> doomed;
    for (const size_t i : finished) {
      const bool old = *entries[i].run.finished < now - limits.keep;
      if (doomed.size() == at_most || (doomed.size() >= excess && !old)) break;
      doomed.insert(entries[i].run.id);
    }
    std::erase_if(entries, [&](const Entry& entry) { return doomed.contains(entry.run.id); });
    return doomed.size();
  }

  std::vector<Run> list(const RunFilter& filter) const {
    std::vector<Run> runs;
    for (const Entry& entry : entries) {
      const Run& run = entry.run;
      if ((filter.pipeline && run.pipeline != *filter.pipeline) ||
          (filter.state && run.state != *filter.state) ||
          (filter.object && run.object != filter.object) ||
          (filter.since && run.created < *filter.since) ||
          (filter.until && run.created >= *filter.until)) {
        continue;
      }
      runs.push_back(run);
      if (entry.held) runs.back().not_before = entry.held->until;
    }
    std::ranges::reverse(runs);
    std::ranges::stable_sort(runs, std::greater(), &Run::created);
    if (runs.size() > filter.limit) runs.resize(filter.limit);
    return runs;
  }

  std::set<ObjectRef> last_failed(const PipelineName& pipeline) const {
    std::map<ObjectRef, RunState> newest;
    for (const Entry& entry : entries) {
      const Run& run = entry.run;
      if (run.pipeline != pipeline || !run.object || run.trigger == replay_trigger) continue;
      newest[*run.object] = run.state;
    }
    std::set<ObjectRef> parked;
    for (const auto& [object, state] : newest) {
      if (state == RunState::parked) parked.insert(object);
    }
    return parked;
  }

  Entry* find(const RunId& id) {
    const auto found =
        std::ranges::find(entries, id, [](const Entry& entry) { return entry.run.id; });
    return found == entries.end() ? nullptr : &*found;
  }

 private:
  static bool same_object(const Run& a, const Run& b) {
    return a.pipeline == b.pipeline && a.object && a.object == b.object;
  }
  static bool is_over(RunState state) {
    return state != RunState::queued && state != RunState::running && state != RunState::parked;
  }
  bool tells(const RunId& id) const {
    return std::ranges::any_of(notices,
                               [&](const auto& entry) { return entry.second.notice.run == id; });
  }
  void know(const PipelineName& pipeline) {
    if (std::ranges::find(pipelines_, pipeline) == pipelines_.end()) pipelines_.push_back(pipeline);
  }
  bool may_run(const Run& run) {
    int beside = 0;
    for (const Entry& entry : entries) {
      if (entry.run.state != RunState::running || entry.run.pipeline != run.pipeline) continue;
      if (run.object && entry.run.object == run.object) return false;
      if (!run.object && !entry.run.object) ++beside;
    }
    return run.object || beside < rules_[run.pipeline].most_without_object;
  }
  std::vector<Entry*> ready_of(const PipelineName& pipeline) {
    std::vector<Entry*> ready;
    for (Entry& entry : entries) {
      if (entry.run.state == RunState::queued && !entry.held && entry.run.pipeline == pipeline &&
          may_run(entry.run)) {
        ready.push_back(&entry);
      }
    }
    std::ranges::stable_sort(ready, {}, [](const Entry* entry) {
      return std::tuple(-entry->run.priority, entry->run.created);
    });
    return ready;
  }

  std::vector<PipelineName> pipelines_;  // in the order they became known
  std::map<PipelineName, QueueRule> rules_;
  std::map<PipelineName, int64_t> served_;
  int64_t leases_ = 0;
};

}  // namespace weir::runlog::testing
