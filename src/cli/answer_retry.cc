#include <fmt/format.h>

#include <set>

#include "cli/answer.h"
#include "cli/asked_runs.h"
#include "cli/frames.h"
#include "cli/wait_for_runs.h"

namespace weir::cli {
namespace {

/// Oldest first, as they came.
Result<std::vector<Run>> parked_runs(const std::string& pipeline, runlog::RunLog& log) {
  runlog::RunFilter filter;
  filter.state = RunState::parked;
  filter.limit = runlog::RunLog::no_limit;
  if (!pipeline.empty()) filter.pipeline = PipelineName(pipeline);
  std::vector<Run> runs = WEIR_TRY(log.list(filter));
  return std::vector<Run>(std::make_move_iterator(runs.rbegin()),
                          std::make_move_iterator(runs.rend()));
}

/// The run with this id, when it has failed and can be tried again, or dismissed.
Result<Run> failed_run(const std::string& id, bool dismiss, runlog::RunLog& log) {
  auto run = WEIR_TRY(log.find(RunId(id)));
  if (!run) {
    return fail(ErrorCode::usage, "there is no run '" + id + "'",
                "`weir runs --state parked` lists those that wait for somebody");
  }
  if (run->trigger == replay_trigger) {
    return fail(ErrorCode::usage, "run " + id + " is a replay", "ask for it again: weir replay");
  }
  const bool fits = run->state == RunState::parked || (run->state == RunState::failed && !dismiss);
  if (fits) return *std::move(run);
  return fail(ErrorCode::usage,
              fmt::format("run {} is {}: only {} run can be {}", id, to_string(run->state),
                          dismiss ? "a parked" : "a parked or failed",
                          dismiss ? "dismissed" : "tried again"),
              "`weir runs --state parked` lists those that wait for somebody");
}

Result<std::vector<Run>> asked_failures(const text::Json& args, runlog::RunLog& log) {
  const std::string& pipeline = args["pipeline"].as_string();
  if (args["all"].as_bool()) return parked_runs(pipeline, log);
  const std::string& id = args["run"].as_string();
  if (id.empty()) {
    return fail(ErrorCode::usage, "which run?", "name one, or say --all for all that are parked");
  }
  return std::vector{WEIR_TRY(failed_run(id, args["dismiss"].as_bool(), log))};
}

std::vector<RunId> ids_of(const std::vector<Run>& runs) {
  std::vector<RunId> ids;
  for (const Run& run : runs) ids.push_back(run.id);
  return ids;
}

Result<void> dismiss(const std::vector<Run>& runs, runlog::RunLog& log, owner::FrameSink& sink) {
  if (!sink.send(
          columns_frame({{"run", "VARCHAR"}, {"pipeline", "VARCHAR"}, {"object", "VARCHAR"}}))) {
    return {};
  }
  WEIR_TRY(log.dismiss(ids_of(runs)));
  RowFrames rows(sink);
  for (const Run& run : runs) {
    if (!rows.add({run.id.value(), run.pipeline.value(),
                   run.object ? std::optional(run.object->to_string()) : std::nullopt})) {
      return {};
    }
  }
  rows.flush();
  return {};
}

}  // namespace

Result<void> answer_retry(const text::Json& args, Services& services, owner::FrameSink& sink) {
  if (args.has("runs")) {
    WEIR_TRY(wait_for_runs(accepted_runs(args), *WEIR_TRY(services.dispatcher()), sink));
    return {};
  }
  runlog::RunLog& log = *WEIR_TRY(services.run_log());
  const std::vector<Run> runs = WEIR_TRY(asked_failures(args, log));
  if (args["dismiss"].as_bool()) return dismiss(runs, log, sink);
  if (runs.empty()) {
    sink.send(accepted_frame({}));
    return {};
  }
  std::set<PipelineName> pipelines;
  for (const Run& run : runs) pipelines.insert(run.pipeline);
  for (const PipelineName& pipeline : pipelines) WEIR_TRY(reach_databases(pipeline, services));
  scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
  const std::vector<RunId> ids = ids_of(runs);
  WEIR_TRY(log.retry(ids));
  dispatcher.wake();
  WEIR_TRY(wait_for_runs(ids, dispatcher, sink));
  return {};
}

}  // namespace weir::cli
