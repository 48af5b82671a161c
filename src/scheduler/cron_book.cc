#include "scheduler/cron_book.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/fault_point.h"
#include "base/log.h"

namespace weir::scheduler {
namespace {

/// Written in one transaction at most.
constexpr size_t runs_per_write = 1000;
constexpr size_t marks_per_write = 1000;
/// Made up for in one look, over all schedules: what is on time must not wait for years of backlog.
constexpr size_t backlog_per_look = 1000;

}  // namespace

CronBook::CronBook(const Project& project, CronStore& store) : project_(project), store_(store) {}

Result<void> CronBook::open(Timestamp now) {
  last_look_ = now;
  WEIR_TRY(add_entries(now));
  std::map<runlog::ScheduleKey, Timestamp> marks;
  for (runlog::ScheduleMark& mark : WEIR_TRY(store_.schedule_marks())) {
    marks.emplace(std::move(mark.key), mark.through);
  }
  if (fault_enabled("marks-off")) marks.clear();  // the simulation's canary
  for (size_t i = 0; i < entries_.size(); ++i) {
    const auto known = marks.find(entries_[i].mark.key);
    if (known == marks.end()) {
      unwritten_.push_back({entries_[i].mark, {}});
      taken_.push_back(i);
      continue;
    }
    entries_[i].mark.through = known->second;
    marks.erase(known);
  }
  std::vector<runlog::ScheduleKey> gone;
  for (auto& [key, through] : marks) gone.push_back(key);
  if (!gone.empty()) WEIR_TRY(store_.forget_schedules(gone));
  WEIR_TRY(write());
  mistrust_marks_ahead(now);
  return write();
}

Result<void> CronBook::add_entries(Timestamp now) {
  for (const Pipeline& pipeline : project_.pipelines) {
    for (const Trigger& trigger : pipeline.triggers) {
      const auto* cron = std::get_if<CronTrigger>(&trigger);
      if (cron == nullptr) continue;
      auto schedule = calendar::Schedule::parse(cron->expression, cron->timezone);
      if (!schedule) {
        Error error = std::move(schedule).error();
        error.location = cron->location;
        return fail(std::move(error));
      }
      entries_.push_back(
          {&pipeline, cron, *std::move(schedule), {{pipeline.name, schedule_name(*cron)}, now}});
    }
  }
  return {};
}

void CronBook::await(size_t index) {
  const Entry& entry = entries_[index];
  if (const auto next = entry.schedule.next(entry.mark.through)) due_.push({*next, index});
}

void CronBook::mistrust_marks_ahead(Timestamp now) {
  due_ = {};
  size_t wrong = 0;
  Timestamp farthest = now;
  for (size_t i = 0; i < entries_.size(); ++i) {
    runlog::ScheduleMark mark = entries_[i].mark;
    if (mark.through <= now + wrong_clock) {
      await(i);
      continue;
    }
    ++wrong;
    farthest = std::max(farthest, mark.through);
    mark.through = now;
    unwritten_.push_back({std::move(mark), {}});
    taken_.push_back(i);
  }
  if (wrong == 0) return;
  log::warning(
      "the clock says {}, but {} schedules have fired up to {}: that clock was wrong; they fire "
      "from "
      "now on",
      format_timestamp(now), wrong, format_timestamp(farthest));
}

Result<CronBook::Look> CronBook::look(Timestamp now) {
  fired_ = 0;
  if (!unwritten_.empty()) {
    WEIR_TRY(drop_written());
    WEIR_TRY(write());
  }
  if (now < std::exchange(last_look_, now)) {
    mistrust_marks_ahead(now);
    WEIR_TRY(write());
  }
  size_t room = backlog_per_look;
  size_t runs = 0;
  std::vector<Due> postponed;
  while (!due_.empty() && due_.top().time <= now) {
    const Due due = due_.top();
    due_.pop();
    auto fires = take_due(entries_[due.entry], now, room);
    if (!fires) {
      postponed.push_back(due);
      continue;
    }
    runs += fires->runs.size();
    unwritten_.push_back(*std::move(fires));
    taken_.push_back(due.entry);
    if (runs < runs_per_write && unwritten_.size() < marks_per_write) continue;
    const auto written = write();
    if (!written) {
      for (const Due& each : postponed) due_.push(each);
      return fail(written.error());
    }
    runs = 0;
  }
  for (const Due& each : postponed) due_.push(each);
  WEIR_TRY(write());
  Look done{fired_, std::nullopt};
  if (!due_.empty()) done.next = std::max(due_.top().time, now);
  return done;
}

/// None when there is no room for what it has to make up for.
std::optional<runlog::Fires> CronBook::take_due(const Entry& entry, Timestamp now,
                                                size_t& room) const {
  const MissedFires policy = entry.trigger->missed;
  const Timestamp oldest_on_time = now - on_time;
  runlog::Fires fires{entry.mark, {}};
  Timestamp& through = fires.mark.through;
  if (policy != MissedFires::all) {
    const auto missed = entry.schedule.previous(oldest_on_time);
    if (missed && *missed > through) {
      log::info("'{}' of pipeline '{}' was missed since {}: {}", fires.mark.key.schedule,
                entry.pipeline->name.value(), format_timestamp(through),
                policy == MissedFires::last ? "the last time is made up for" : "skipped");
      if (policy == MissedFires::last) fires.runs.push_back(run_of(entry, *missed, now));
      through = *missed;
    }
  }
  for (auto next = entry.schedule.next(through); next && *next <= now;
       next = entry.schedule.next(through)) {
    if (*next < oldest_on_time) {
      if (room == 0) break;
      --room;
    }
    fires.runs.push_back(run_of(entry, *next, now));
    through = *next;
  }
  if (through == entry.mark.through) return std::nullopt;
  return fires;
}

Run CronBook::run_of(const Entry& entry, Timestamp scheduled_for, Timestamp now) const {
  Run run;
  run.id = new_run_id(now);
  run.pipeline = entry.pipeline->name;
  run.trigger = "cron";
  run.priority = entry.pipeline->priority;
  run.scheduled_for = scheduled_for;
  run.created = now;
  return run;
}

/// A write that failed may have come through all the same.
Result<void> CronBook::drop_written() {
  std::map<runlog::ScheduleKey, Timestamp> marks;
  for (runlog::ScheduleMark& mark : WEIR_TRY(store_.schedule_marks())) {
    marks.emplace(std::move(mark.key), mark.through);
  }
  for (size_t i = unwritten_.size(); i-- > 0;) {
    const runlog::ScheduleMark& wanted = unwritten_[i].mark;
    const auto kept = marks.find(wanted.key);
    if (kept == marks.end() || kept->second != wanted.through) continue;
    entries_[taken_[i]].mark = wanted;
    fired_ += unwritten_[i].runs.size();
    await(taken_[i]);
    unwritten_.erase(unwritten_.begin() + static_cast<ptrdiff_t>(i));
    taken_.erase(taken_.begin() + static_cast<ptrdiff_t>(i));
  }
  return {};
}

Result<void> CronBook::write() {
  if (unwritten_.empty()) return {};
  fault_point("cron-due");
  for (size_t begin = 0; begin < unwritten_.size(); begin += marks_per_write) {
    const size_t count = std::min(marks_per_write, unwritten_.size() - begin);
    const auto page = std::span(unwritten_).subspan(begin, count);
    if (const auto written = store_.fire(page); !written) {
      unwritten_.erase(unwritten_.begin(), unwritten_.begin() + static_cast<ptrdiff_t>(begin));
      taken_.erase(taken_.begin(), taken_.begin() + static_cast<ptrdiff_t>(begin));
      return fail(written.error());
    }
    for (size_t i = begin; i < begin + count; ++i) {
      entries_[taken_[i]].mark = unwritten_[i].mark;
      fired_ += unwritten_[i].runs.size();
      await(taken_[i]);
    }
  }
  fault_point("cron-fired");
  unwritten_.clear();
  taken_.clear();
  return {};
}

}  // namespace weir::scheduler
