#include <algorithm>
#include <set>

#include "config/key_pattern.h"
#include "config/produced_columns.h"
#include "config/resolve.h"
#include "config/resolve_steps.h"
#include "config/trigger_circle.h"
#include "model/input_order.h"

namespace weir::config {
namespace {

/// `landing/*.json` → bucket and pattern.
void resolve_object_trigger(const Named<PipelineEntry>& entry, const TriggerEntry& trigger,
                            Pipeline& pipeline, const Resolving& resolving) {
  const std::string& text = trigger.object->value;
  const Location& at = trigger.object->location;
  const size_t slash = text.find('/');
  const std::string bucket = text.substr(0, slash);
  const std::string pattern = slash == std::string::npos ? "" : text.substr(slash + 1);
  const std::string of = " in the trigger of pipeline '" + entry.name + "'";
  if (pattern.empty()) {
    resolving.reader.error(at, "'" + text + "'" + of + " has no pattern",
                           "write bucket, '/', pattern: " + bucket + "/*.json");
    return;
  }
  if (find_entry(resolving.entry.buckets, bucket) == nullptr) {
    const std::vector<std::string> known = names_of(resolving.entry.buckets);
    resolving.reader.error(at, "unknown bucket '" + bucket + "'" + of,
                           known.empty()
                               ? "declare it: buckets: {" + bucket + ": file://" + bucket + "}"
                               : suggestion(bucket, known));
    return;
  }
  const std::string framed = "/" + pattern + "/";
  if (pattern.starts_with('/') || framed.find("/../") != std::string::npos ||
      framed.find("/./") != std::string::npos || pattern.find("//") != std::string::npos ||
      pattern.size() > longest_pattern) {
    resolving.reader.error(
        at, "the pattern '" + pattern.substr(0, 60) + "'" + of + " matches no object",
        "keys have no '//', '.' or '..' in them, and at most 1024 bytes");
    return;
  }
  pipeline.triggers.push_back(ObjectTrigger{BucketName(bucket), pattern, at});
}

void resolve_cron_trigger(const Named<PipelineEntry>& entry, const TriggerEntry& trigger,
                          Pipeline& pipeline, std::set<std::string>& seen,
                          const Resolving& resolving) {
  const Location& at = trigger.cron->location;
  const CronTrigger cron{trigger.cron->value,
                         trigger.timezone ? trigger.timezone->value : std::string(),
                         trigger.missed.value, at};
  if (!seen.insert(schedule_name(cron)).second) {
    resolving.reader.error(
        at,
        "the schedule '" + cron.expression + "' is there twice in pipeline '" + entry.name + "'",
        "remove one");
    return;
  }
  const auto& steps = entry.value.steps;
  const bool reads = std::any_of(steps.begin(), steps.end(),
                                 [](const StepEntry& step) { return step.read.has_value(); });
  if (reads) {
    resolving.reader.error(
        at, "pipeline '" + entry.name + "' reads objects, and a clock brings none",
        "cron goes with sql or download; let the objects start this one: object: bucket/*");
    return;
  }
  pipeline.triggers.push_back(cron);
}

/// An object needs a step that reads it; and columns must be known from somewhere.
void check_reading(const Named<PipelineEntry>& entry, Reader& reader) {
  const std::vector<StepEntry>& steps = entry.value.steps;
  const auto has = [&](auto wanted) { return std::any_of(steps.begin(), steps.end(), wanted); };
  const bool later = has([](const StepEntry& step) { return step.later.has_value(); });
  const bool loads = has([](const StepEntry& step) { return step.load.has_value(); });
  const bool downloads = has([](const StepEntry& step) { return step.download.has_value(); });
  const bool reads = has([](const StepEntry& step) { return step.read.has_value(); });
  for (const TriggerEntry& trigger : entry.value.when) {
    if (!trigger.object || reads || later || steps.empty()) continue;
    reader.error(trigger.object->location,
                 "pipeline '" + entry.name + "' is triggered by objects but has no read step",
                 downloads ? "a download goes with cron: when: [{cron: \"0 5 * * *\"}]"
                           : "begin its steps with read: {format: …}");
  }
  for (const StepEntry& step : steps) {
    if (!step.read || step.read->columns || step.read->infer.value || loads || !later) continue;
    reader.error(step.read->location,
                 "'columns' is missing in 'read' of pipeline '" + entry.name +
                     "', and there is no load whose table could name them",
                 "add columns: {name: type}");
  }
}

/// Which of two inputs comes first would be up to the threads.
void check_concurrency(const Named<PipelineEntry>& entry, const Pipeline& pipeline,
                       const Resolving& resolving) {
  const Located<int64_t>& concurrency = entry.value.concurrency;
  if (concurrency.value == 1 || !input_order_matters(resolving.project, pipeline)) return;
  resolving.reader.error(concurrency.location,
                         "pipeline '" + entry.name + "' cannot load " +
                             std::to_string(concurrency.value) +
                             " batches at once: what becomes of a row depends on the inputs before "
                             "it (a key, unique, references to itself, or mode replace)",
                         "remove 'concurrency'");
}

/// Whether all of it resolved, so that its SQL can be checked.
bool resolve_pipeline(const Named<PipelineEntry>& entry, Resolving& resolving) {
  Reader& reader = resolving.reader;
  const size_t errors = reader.errors();
  Pipeline pipeline;
  pipeline.name = PipelineName(entry.name);
  pipeline.priority = int(entry.value.priority.value);
  pipeline.retry = entry.value.retry.policy();
  pipeline.concurrency = int(entry.value.concurrency.value);
  pipeline.location = entry.location;
  std::set<std::string> schedules;
  for (const TriggerEntry& trigger : entry.value.when) {
    if (trigger.object) resolve_object_trigger(entry, trigger, pipeline, resolving);
    if (trigger.cron) resolve_cron_trigger(entry, trigger, pipeline, schedules, resolving);
  }
  bool complete = true;
  for (const StepEntry& step : entry.value.steps) {
    std::optional<Step> resolved = resolve_step(entry, step, resolving);
    complete = complete && resolved.has_value();
    if (resolved) pipeline.steps.push_back(*std::move(resolved));
    if (step.download && step.download->retry) pipeline.retry = step.download->retry->policy();
  }
  if (entry.sound) {  // else steps are missing from the picture
    check_step_order(entry, reader);
    check_reading(entry, reader);
    check_columns_produced(entry, resolving);
    check_concurrency(entry, pipeline, resolving);
  }
  if (!entry.sound || !complete || reader.errors() != errors) return false;
  resolving.project.pipelines.push_back(std::move(pipeline));
  return true;
}

/// Whether there is SQL in it, and everything it names is in the model.
bool stands_alone(const Pipeline& pipeline, const Project& project) {
  if (pipeline.download() != nullptr) return false;
  return std::all_of(pipeline.steps.begin(), pipeline.steps.end(), [&](const Step& step) {
    if (const auto* load = std::get_if<LoadStep>(&step)) {
      return project.find_table(load->table) != nullptr;
    }
    if (const auto* sql = std::get_if<SqlStep>(&step)) {
      return project.find_database(sql->database) != nullptr;
    }
    return !std::holds_alternative<LaterStep>(step);
  });
}

}  // namespace

std::vector<PipelineName> resolve_pipelines(Resolving& resolving) {
  std::vector<PipelineName> checkable;
  for (const Named<PipelineEntry>& entry : resolving.entry.pipelines) {
    if (!resolve_pipeline(entry, resolving)) continue;
    const Pipeline& pipeline = resolving.project.pipelines.back();
    if (stands_alone(pipeline, resolving.project)) checkable.push_back(pipeline.name);
  }
  check_trigger_circles(resolving.entry, resolving.reader);
  return checkable;
}

}  // namespace weir::config
