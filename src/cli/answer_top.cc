#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/answer.h"
#include "metrics/process_facts.h"
#include "scheduler/coming_fires.h"

namespace weir::cli {
namespace {

using text::Json;

constexpr size_t most_runs = 50;
constexpr size_t most_fires = 5;
constexpr size_t most_pipelines = 200;

/// What one pipeline has to do and has done.
struct Activity {
  runlog::QueueLength queue;
  scheduler::RecentRuns minute;

  size_t waiting() const { return queue.queued + queue.running + queue.parked; }
};

Result<std::map<PipelineName, Activity>> activities(Services& services, runlog::RunLog& log) {
  std::map<PipelineName, Activity> all;
  for (runlog::QueueLength& length : WEIR_TRY(log.queue_lengths())) {
    all[length.pipeline].queue = std::move(length);
  }
  for (const auto& [pipeline, minute] : services.meter().last_minute()) {
    all[pipeline].minute = minute;
  }
  return all;
}

/// Those with most to do first.
Json pipelines_json(const std::map<PipelineName, Activity>& all) {
  std::vector<std::pair<PipelineName, Activity>> sorted(all.begin(), all.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& each) {
    return std::pair(each.second.waiting(), each.second.minute.ended);
  });
  if (sorted.size() > most_pipelines) sorted.resize(most_pipelines);
  Json list = Json::array();
  for (const auto& [name, activity] : sorted) {
    list.push(Json::object()
                  .set("pipeline", name.value())
                  .set("queued", activity.queue.queued)
                  .set("running", activity.queue.running)
                  .set("parked", activity.queue.parked)
                  .set("ended_last_minute", activity.minute.ended)
                  .set("failed_last_minute", activity.minute.failed)
                  .set("rows_last_minute", activity.minute.rows));
  }
  return list;
}

Result<Json> runs_json(Services& services, runlog::RunLog& log) {
  std::map<RunId, scheduler::RunProgress> at_work;
  for (const scheduler::RunningRun& each : services.running()) {
    at_work.emplace(each.progress.id, each.progress);
  }
  Json list = Json::array();
  runlog::RunFilter filter;
  filter.state = RunState::running;
  filter.limit = most_runs;
  for (const Run& run : WEIR_TRY(log.list(filter))) {
    Json shown = Json::object();
    shown.set("run", run.id.value()).set("pipeline", run.pipeline.value());
    shown.set("object", run.object ? Json(run.object->to_string()) : Json());
    shown.set("started", run.started ? Json(format_timestamp(*run.started)) : Json());
    shown.set("try", run.tries);
    if (const auto found = at_work.find(run.id); found != at_work.end()) {
      const scheduler::RunProgress& progress = found->second;
      shown.set("bytes_read", progress.bytes_read).set("rows_read", progress.rows_read);
      if (progress.bytes_total > 0) shown.set("bytes_total", progress.bytes_total);
    }
    list.push(std::move(shown));
  }
  return list;
}

}  // namespace

Result<void> answer_top(const Json&, Services& services, owner::FrameSink& sink) {
  runlog::RunLog& log = *WEIR_TRY(services.run_log());
  const runlog::Waiting waiting = WEIR_TRY(log.waiting());
  const metrics::ProcessFacts process = metrics::process_facts();
  Json frame = Json::object().set("frame", "top");
  frame.set("project", services.project().name).set("environment", services.project().environment);
  frame.set("time", format_timestamp(services.clock().now())).set("pid", int64_t{::getpid()});
  frame.set("memory_bytes", process.resident_bytes);
  frame.set("memory_limit_bytes", services.project().memory_bytes);
  frame.set("cpu_seconds", process.cpu_seconds).set("threads", process.threads);
  frame.set("queued", WEIR_TRY(log.count(RunState::queued))).set("held", waiting.held);
  frame.set("running", WEIR_TRY(log.count(RunState::running)));
  frame.set("parked", WEIR_TRY(log.count(RunState::parked)));
  frame.set("notices_waiting", waiting.notices);
  frame.set("pipelines", pipelines_json(WEIR_TRY(activities(services, log))));
  frame.set("runs", WEIR_TRY(runs_json(services, log)));
  Json breakers = Json::array();
  for (const auto& [database, why] : services.meter().open_breakers()) {
    breakers.push(Json::object().set("database", database.value()).set("why", why));
  }
  frame.set("breakers", std::move(breakers));
  Json next = Json::array();
  const auto marks = WEIR_TRY(log.schedule_marks());
  for (const scheduler::ComingFire& fire : WEIR_TRY(scheduler::coming_fires(
           services.project(), {}, marks, services.clock().now(), most_fires))) {
    next.push(Json::object()
                  .set("pipeline", fire.pipeline.value())
                  .set("time", format_timestamp(fire.time)));
  }
  frame.set("next", std::move(next));
  sink.send(frame);
  return {};
}

}  // namespace weir::cli
