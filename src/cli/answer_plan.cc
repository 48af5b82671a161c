#include <chrono>
#include <future>

#include "cli/answer.h"
#include "cli/asked_runs.h"
#include "cli/frames.h"
#include "pipeline/plan.h"
#include "text/receipt_json.h"

namespace weir::cli {
namespace {

using text::Json;

constexpr std::chrono::milliseconds between_looks{100};

Json to_json(const pipeline::BrokenRule& broken) {
  const Reject& reject = broken.example;
  Json example = Json::object();
  if (reject.line > 0) {
    example.set("line", reject.line);
  } else {
    example.set("element", reject.element);
  }
  const Problem& problem = reject.problems.front();
  example.set("value", problem.value).set("message", problem.message).set("raw", reject.raw);
  Json json = Json::object();
  json.set("field", broken.field).set("rule", broken.rule).set("rows", broken.rows);
  json.set("example", std::move(example));
  return json;
}

/// A receipt without the id of a run that there is not, and the broken rules.
Json to_json(const pipeline::PlannedInput& input) {
  Json json = Json::object();
  const Json receipt = text::to_json(input.receipt);
  for (const auto& [name, value] : receipt.as_object()) {
    if (name != "run") json.set(name, value);
  }
  Json broken = Json::array();
  for (const pipeline::BrokenRule& rule : input.broken) broken.push(to_json(rule));
  return json.set("broken", std::move(broken));
}

Json to_json(const pipeline::Plan& plan, const Pipeline& pipeline) {
  Json ddl = Json::array();
  for (const std::string& statement : plan.ddl) ddl.push(statement);
  Json effects = Json::array();
  for (const std::string& effect : plan.effects) effects.push(effect);
  Json json = Json::object();
  json.set("pipeline", pipeline.name.value());
  json.set("table", plan.table != nullptr ? Json(plan.table->name.value()) : Json());
  json.set("ddl", std::move(ddl)).set("effects", std::move(effects));
  json.set("error", plan.error ? text::to_json(*plan.error) : Json());
  json.set("written", plan.writes == pipeline::PlanWrites::rolled_back).set("kept", false);
  json.set("duration_ms", plan.duration_ms).set("peak_memory_bytes", plan.peak_memory_bytes);
  return json;
}

/// Plans in a thread of its own, and sends progress meanwhile. When nobody reads any more, it
/// stops.
Result<pipeline::Plan> plan_watched(const AskedRuns& asked, bool write, Services& services,
                                    owner::FrameSink& sink) {
  pipeline::Resources& resources = *WEIR_TRY(services.resources());
  pipeline::Progress progress;
  auto planned = std::async(std::launch::async, [&] {
    return pipeline::plan_runs(
        services.project(), resources, services.clock(), *asked.pipeline, asked.runs,
        write ? pipeline::PlanWrites::rolled_back : pipeline::PlanWrites::none, progress);
  });
  while (planned.wait_for(between_looks) != std::future_status::ready) {
    RunsProgress now;
    now.done = progress.inputs_done;
    now.total = asked.runs.size();
    now.bytes_read = progress.bytes_read;
    now.bytes_total = progress.bytes_total;
    now.rows_read = progress.rows_read;
    if (!sink.send(progress_frame(now))) progress.stop();
  }
  return planned.get();
}

}  // namespace

Result<void> answer_plan(const text::Json& args, Services& services, owner::FrameSink& sink) {
  const AskedRuns asked = WEIR_TRY(asked_runs(args, services));
  const pipeline::Plan plan =
      WEIR_TRY(plan_watched(asked, args["write"].as_bool(), services, sink));
  for (const pipeline::PlannedInput& input : plan.inputs) {
    if (!sink.send(Json::object().set("frame", "planned").set("input", to_json(input)))) return {};
  }
  sink.send(Json::object().set("frame", "plan").set("plan", to_json(plan, *asked.pipeline)));
  return {};
}

}  // namespace weir::cli
