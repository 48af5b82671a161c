#include "pipeline/notices.h"

#include <fmt/format.h>

#include "base/redaction.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

using text::Json;

constexpr size_t listed_rejects = 10;

bool too_many_rejects(const NotifyStep& step, const RowCounts& rows) {
  if (!step.rejects_over_ratio) return rows.rejected > step.rejects_over;
  return static_cast<double>(rows.rejected) >
         *step.rejects_over_ratio * static_cast<double>(rows.read);
}

/// The gravest of what the step tells of; null: nothing.
const char* event_of(const NotifyStep& step, const Receipt& receipt, RunState state) {
  const bool failed = state == RunState::failed || state == RunState::parked;
  if (failed && step.on_failure) return "failure";
  if (step.on_rejects && too_many_rejects(step, receipt.rows)) return "rejects";
  const bool loaded = state == RunState::succeeded || state == RunState::partial;
  return loaded && step.on_success ? "success" : nullptr;
}

/// Where a rejected row is and what is wrong with it. Its values stay in the project: a notice goes
/// to others.
Json without_values(const Reject& reject) {
  Json json = Json::object();
  json.set("element", reject.element);
  if (reject.line > 0) json.set("line", reject.line);
  if (!reject.problems.empty()) {
    json.set("field", reject.problems.front().field).set("rule", reject.problems.front().rule);
  }
  return json;
}

Json error_json(const Error& error) {
  return Json::object()
      .set("code", name(error.code))
      .set("message", redact(error.message))
      .set("fix", redact(error.fix));
}

Json receipt_json(const Receipt& receipt) {
  const Json whole = text::to_json(receipt);
  Json json = Json::object();
  for (const char* key : {"run", "pipeline", "object", "version", "status", "rows"}) {
    json.set(key, whole[key]);
  }
  Json rejects = Json::array();
  for (size_t i = 0; i < std::min(listed_rejects, receipt.rejects.size()); ++i) {
    rejects.push(without_values(receipt.rejects[i]));
  }
  json.set("rejects", std::move(rejects));
  json.set("error", receipt.error ? error_json(*receipt.error) : Json());
  json.set("duration_ms", receipt.duration_ms);
  return json;
}

}  // namespace

std::vector<runlog::Notice> notices_for(const Project& project, const Run& run,
                                        const Receipt& receipt, RunState state, Timestamp now) {
  std::vector<runlog::Notice> notices;
  const Pipeline* pipeline = project.find_pipeline(run.pipeline);
  if (pipeline == nullptr) return notices;
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  for (size_t i = 0; i < pipeline->steps.size(); ++i) {
    const auto* step = std::get_if<NotifyStep>(&pipeline->steps[i]);
    const char* event = step != nullptr ? event_of(*step, receipt, state) : nullptr;
    if (event == nullptr) continue;
    runlog::Notice notice;
    notice.id = fmt::format("{}.{}.{}", run.id.value(), i + 1, milliseconds);
    notice.run = run.id;
    notice.pipeline = run.pipeline;
    notice.step = static_cast<int>(i) + 1;
    notice.body = Json::object()
                      .set("id", notice.id)
                      .set("type", std::string("run.") + event)
                      .set("timestamp", format_timestamp(now))
                      .set("project", project.name)
                      .set("environment", project.environment)
                      .set("pipeline", run.pipeline.value())
                      .set("run", run.id.value())
                      .set("trigger", run.trigger)
                      .set("state", to_string(state))
                      .set("receipt", receipt_json(receipt))
                      .to_string();
    notices.push_back(std::move(notice));
  }
  return notices;
}

}  // namespace weir::pipeline
