#include <algorithm>
#include <span>

#include "base/fault_point.h"
#include "cli/answer.h"
#include "cli/asked_runs.h"
#include "cli/frames.h"
#include "cli/wait_for_runs.h"
#include "model/project_lookup.h"
#include "scheduler/backfill.h"

namespace weir::cli {
namespace {

/// A backfill may be long: no transaction of the run log is.
constexpr size_t runs_per_page = 1000;

Result<std::vector<Run>> wanted_runs(const text::Json& args, Services& services) {
  return std::move(WEIR_TRY(asked_runs(args, services)).runs);
}

Result<std::vector<Run>> backfill(const text::Json& args, Services& services) {
  const Pipeline* pipeline =
      WEIR_TRY(named_pipeline(services.project(), args["pipeline"].as_string()));
  return scheduler::backfill_runs(*pipeline, args["from"].as_string(), args["to"].as_string(),
                                  services.clock().now());
}

Result<std::vector<RunId>> submit_in_pages(std::span<const Run> runs,
                                           scheduler::Dispatcher& dispatcher) {
  std::vector<RunId> ids;
  for (size_t begin = 0; begin < runs.size(); begin += runs_per_page) {
    const auto page = runs.subspan(begin, std::min(runs_per_page, runs.size() - begin));
    for (RunId& id : WEIR_TRY(dispatcher.submit(page))) ids.push_back(std::move(id));
    if (begin == 0) fault_point("backfill-page");
  }
  return ids;
}

}  // namespace

Result<void> answer_run(const text::Json& args, Services& services, owner::FrameSink& sink) {
  if (args.has("runs")) {
    scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
    WEIR_TRY(wait_for_runs(accepted_runs(args), dispatcher, sink));
    return {};
  }
  const std::vector<Run> runs =
      WEIR_TRY(args.has("from") ? backfill(args, services) : wanted_runs(args, services));
  if (runs.empty()) {
    sink.send(accepted_frame({}));
    return {};
  }
  WEIR_TRY(reach_databases(runs.front().pipeline, services));
  scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
  const std::vector<RunId> ids = WEIR_TRY(submit_in_pages(runs, dispatcher));
  WEIR_TRY(wait_for_runs(distinct(ids), dispatcher, sink));
  return {};
}

}  // namespace weir::cli
