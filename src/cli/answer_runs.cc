#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cli/answer.h"
#include "cli/frames.h"
#include "cli/run_filter.h"
#include "cli/run_receipt.h"
#include "model/project_lookup.h"
#include "scheduler/coming_fires.h"

namespace weir::cli {
namespace {

Result<Run> find_run(const text::Json& args, runlog::RunLog& log) {
  const std::string& id = args["run"].as_string();
  auto run = WEIR_TRY(log.find(RunId(id)));
  if (run) return *std::move(run);
  return fail(ErrorCode::usage, "there is no run '" + id + "'", "`weir runs` lists them");
}

std::optional<std::string> time_text(const std::optional<Timestamp>& time) {
  return time ? std::optional(format_timestamp(*time)) : std::nullopt;
}

TableRow row_of(const Run& run) {
  const bool finished = !run.receipt.empty();
  const Receipt receipt = receipt_of_run(run);
  const auto count = [&](uint64_t value) {
    return finished ? std::optional(std::to_string(value)) : std::nullopt;
  };
  const auto text = [](const std::string& value) {
    return value.empty() ? std::nullopt : std::optional(value);
  };
  return {run.id.value(),
          run.pipeline.value(),
          run.object ? std::optional(run.object->to_string()) : std::nullopt,
          std::string(to_string(run.state)),
          run.trigger,
          std::to_string(run.tries),
          time_text(run.created),
          time_text(run.finished),
          count(receipt.rows.read),
          count(receipt.rows.loaded()),
          count(receipt.rows.rejected),
          text(run.error)};
}

/// "2026-11-20 01:05:00 +01:00"
std::string local_text(const scheduler::ComingFire& fire) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(fire.offset).count();
  std::string clock = format_timestamp(Timestamp(fire.local.time_since_epoch())).substr(0, 19);
  clock[10] = ' ';
  return fmt::format("{} {}{:02}:{:02}", clock, minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                     std::abs(minutes) % 60);
}

Result<void> answer_coming(const text::Json& args, Services& services, owner::FrameSink& sink) {
  PipelineName only;
  if (const std::string& name = args["pipeline"].as_string(); !name.empty()) {
    only = WEIR_TRY(named_pipeline(services.project(), name))->name;
  }
  const auto limit = static_cast<size_t>(std::max<int64_t>(args["limit"].as_int(50), 1));
  const auto marks = WEIR_TRY(WEIR_TRY(services.run_log())->schedule_marks());
  const auto fires = WEIR_TRY(
      scheduler::coming_fires(services.project(), only, marks, services.clock().now(), limit));
  if (!sink.send(columns_frame({{"pipeline", "VARCHAR"},
                                {"schedule", "VARCHAR"},
                                {"zone", "VARCHAR"},
                                {"local", "VARCHAR"},
                                {"utc", "TIMESTAMP"}}))) {
    return {};
  }
  RowFrames rows(sink);
  for (const scheduler::ComingFire& fire : fires) {
    const std::string& zone = fire.trigger->timezone;
    if (!rows.add({fire.pipeline.value(), fire.trigger->expression, zone.empty() ? "UTC" : zone,
                   local_text(fire), format_timestamp(fire.time)})) {
      return {};
    }
  }
  rows.flush();
  return {};
}

}  // namespace

Result<void> answer_runs(const text::Json& args, Services& services, owner::FrameSink& sink) {
  if (args["next"].as_bool()) return answer_coming(args, services, sink);
  runlog::RunLog& log = *WEIR_TRY(services.run_log());
  if (args.has("run")) {
    sink.send(receipt_frame(receipt_of_run(WEIR_TRY(find_run(args, log)))));
    return {};
  }
  const runlog::RunFilter filter = WEIR_TRY(run_filter(args, services.clock().now()));
  if (!sink.send(columns_frame({{"id", "VARCHAR"},
                                {"pipeline", "VARCHAR"},
                                {"object", "VARCHAR"},
                                {"state", "VARCHAR"},
                                {"trigger", "VARCHAR"},
                                {"tries", "BIGINT"},
                                {"created", "TIMESTAMP"},
                                {"finished", "TIMESTAMP"},
                                {"read", "BIGINT"},
                                {"loaded", "BIGINT"},
                                {"rejected", "BIGINT"},
                                {"error", "VARCHAR"}}))) {
    return {};
  }
  RowFrames rows(sink);
  for (const Run& run : WEIR_TRY(log.list(filter))) {
    if (!rows.add(row_of(run))) return {};
  }
  rows.flush();
  return {};
}

}  // namespace weir::cli
