#include <set>

#include "cli/answer.h"
#include "cli/frames.h"
#include "cli/rejected_run.h"
#include "cli/wait_for_runs.h"
#include "io/file_stream.h"
#include "pipeline/quarantine.h"

namespace weir::cli {
namespace {

using pipeline::RejectedRun;
using pipeline::RejectedRuns;

/// The runs whose rejects are to be replayed; and, of all, the databases that could not be asked.
Result<RejectedRuns> asked_runs(const text::Json& args, Services& services) {
  const std::string& word = args["run"].as_string();
  if (!word.empty()) {
    RejectedRuns asked;
    if (auto run = WEIR_TRY(find_rejected_run(word, services))) {
      asked.runs.push_back(*std::move(run));
    }
    return asked;
  }
  if (!args["with"].as_string().empty()) {
    return fail(ErrorCode::usage, "whose rejects the file holds is not said",
                "weir replay RUN --with FILE");
  }
  if (!args["all"].as_bool()) {
    return fail(ErrorCode::usage, "which rejects to replay is not said",
                "weir replay RUN, or --all; `weir rejects --all` lists the runs");
  }
  return pipeline::rejected_runs(*WEIR_TRY(services.resources()));
}

/// The replay of one run's rejects, as a run of its own.
Result<Run> make_replay(const RejectedRun& rejected, Services& services) {
  Run run;
  run.created = services.clock().now();
  run.id = new_run_id(run.created);
  run.pipeline = rejected.pipeline;
  run.object = rejected.object;
  run.trigger = replay_trigger;
  // Its ${run.day} is that of the run the rows were rejected in, as long as that is known.
  const auto original = WEIR_TRY(WEIR_TRY(services.run_log())->find(rejected.run));
  run.scheduled_for = original ? original->scheduled_for : run.created;
  run.priority = original ? original->priority : 0;
  return run;
}

Result<void> check_readable(const std::string& path, const std::string& name) {
  const auto opened = io::FileStream::open(path);
  if (opened) return {};
  Error error = opened.error();
  error.location.file = name;
  return fail(std::move(error));
}

/// How many rejects of these runs are still unresolved.
Result<void> send_left(const std::vector<RejectedRun>& asked, pipeline::Resources& resources,
                       owner::FrameSink& sink) {
  std::set<RunId> ids;
  for (const RejectedRun& run : asked) ids.insert(run.run);
  const RejectedRuns all = WEIR_TRY(pipeline::rejected_runs(resources));
  for (const RejectedRun& run : all.runs) {
    if (run.unresolved == 0 || !ids.contains(run.run)) continue;
    if (!sink.send(left_frame({run.run, run.unresolved}))) return {};
  }
  // Of a database that went away meanwhile nothing is left to see, but who asked has to know.
  for (const RejectedRun& run : asked) {
    const auto silent = all.not_asked.find(run.database);
    if (silent != all.not_asked.end()) return fail(silent->second);
  }
  return {};
}

}  // namespace

Result<void> answer_replay(const text::Json& args, Services& services, owner::FrameSink& sink) {
  if (args.has("runs")) {
    WEIR_TRY(wait_for_runs(accepted_runs(args), *WEIR_TRY(services.dispatcher()), sink));
    return {};
  }
  pipeline::Resources& resources = *WEIR_TRY(services.resources());
  const std::string& file = args["with"].as_string();
  const std::string& file_name = args["name"].as_string();
  const RejectedRuns asked = WEIR_TRY(asked_runs(args, services));
  if (!file.empty()) WEIR_TRY(check_readable(file, file_name));

  std::vector<Run> runs;
  for (const RejectedRun& rejected : asked.runs) {
    // Asked for by name it is refused, and says what to do instead.
    const bool passed_over = rejected.rolled_back && asked.runs.size() > 1;
    if (rejected.unresolved == 0 || passed_over) continue;
    runs.push_back(WEIR_TRY(make_replay(rejected, services)));
    const bool others = !file.empty() && args["all"].as_bool();
    WEIR_TRY(services.executor())
        ->order_replay(runs.back().id, {rejected, file, file_name, others});
  }
  if (runs.empty()) {
    sink.send(accepted_frame({}));
  } else {
    scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
    if (!WEIR_TRY(wait_for_runs(WEIR_TRY(dispatcher.submit(runs)), dispatcher, sink))) return {};
  }
  WEIR_TRY(send_left(asked.runs, resources, sink));
  return asked.complete();
}

}  // namespace weir::cli
