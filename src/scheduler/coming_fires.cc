#include "scheduler/coming_fires.h"

#include <algorithm>
#include <map>
#include <queue>
#include <tuple>

#include "calendar/schedule.h"

namespace weir::scheduler {
namespace {

struct Source {
  const Pipeline* pipeline;
  const CronTrigger* trigger;
  calendar::Schedule schedule;
};

}  // namespace

Result<std::vector<ComingFire>> coming_fires(const Project& project, const PipelineName& only,
                                             std::span<const runlog::ScheduleMark> marks,
                                             Timestamp now, size_t limit) {
  std::map<runlog::ScheduleKey, Timestamp> fired;
  for (const runlog::ScheduleMark& mark : marks) fired.emplace(mark.key, mark.through);
  std::vector<Source> sources;
  using Next = std::tuple<Timestamp, size_t>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> next;
  for (const Pipeline& pipeline : project.pipelines) {
    if (!only.empty() && pipeline.name != only) continue;
    for (const Trigger& trigger : pipeline.triggers) {
      const auto* cron = std::get_if<CronTrigger>(&trigger);
      if (cron == nullptr) continue;
      auto schedule = WEIR_TRY(calendar::Schedule::parse(cron->expression, cron->timezone));
      const auto mark = fired.find({pipeline.name, schedule_name(*cron)});
      const Timestamp after = mark == fired.end() ? now : std::max(now, mark->second);
      if (const auto time = schedule.next(after)) next.emplace(*time, sources.size());
      sources.push_back({&pipeline, cron, std::move(schedule)});
    }
  }
  std::vector<ComingFire> fires;
  while (fires.size() < limit && !next.empty()) {
    const auto [time, index] = next.top();
    next.pop();
    const Source& source = sources[index];
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    const calendar::ZoneSegment clocks = source.schedule.zone().segment_at(second);
    fires.push_back(
        {source.pipeline->name, source.trigger, time, clocks.local(second), clocks.offset});
    if (const auto later = source.schedule.next(time)) next.emplace(*later, index);
  }
  return fires;
}

}  // namespace weir::scheduler
