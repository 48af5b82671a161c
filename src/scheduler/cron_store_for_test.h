#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "scheduler/cron_book.h"

namespace weir::scheduler {

/// The run log's promise about schedules, in memory; it can fail before or after it has written.
class MemoryStore final : public CronStore {
 public:
  enum class Failure { none, before, after };

  Result<std::vector<runlog::ScheduleMark>> schedule_marks() override {
    std::vector<runlog::ScheduleMark> out;
    for (const auto& [key, through] : marks) out.push_back({key, through});
    return out;
  }

  Result<void> fire(std::span<const runlog::Fires> fires) override {
    ++writes;
    const Failure failure = std::exchange(next_failure, Failure::none);
    if (failure == Failure::before) return fail(ErrorCode::io, "the disk is full");
    for (const runlog::Fires& each : fires) {
      marks[each.mark.key] = each.mark.through;
      for (const Run& run : each.runs) {
        if (!ids.insert(run.id).second) return fail(ErrorCode::internal, "an id is there twice");
        runs.push_back(run);
        fired[each.mark.key].push_back(run.scheduled_for);
      }
    }
    if (failure == Failure::after) return fail(ErrorCode::io, "the disk was full, perhaps");
    return {};
  }

  Result<void> forget_schedules(std::span<const runlog::ScheduleKey> schedules) override {
    for (const runlog::ScheduleKey& key : schedules) marks.erase(key);
    return {};
  }

  std::map<runlog::ScheduleKey, Timestamp> marks;
  std::map<runlog::ScheduleKey, std::vector<Timestamp>> fired;
  std::vector<Run> runs;
  std::set<RunId> ids;
  Failure next_failure = Failure::none;
  size_t writes = 0;
};

/// A pipeline "p0", "p1" … of a sql step for each trigger.
inline Project cron_project(const std::vector<CronTrigger>& triggers) {
  Project project;
  for (const CronTrigger& trigger : triggers) {
    Pipeline pipeline;
    pipeline.name = PipelineName("p" + std::to_string(project.pipelines.size()));
    pipeline.triggers = {trigger};
    pipeline.steps = {SqlStep{}};
    project.pipelines.push_back(std::move(pipeline));
  }
  return project;
}

}  // namespace weir::scheduler
