#include "scheduler/lost_loads.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "pipeline/target_sql.h"

namespace weir::scheduler {
namespace {

constexpr size_t page_size = 1000;

const LoadStep* load_of_objects(const Pipeline& pipeline) {
  const bool reads = std::ranges::any_of(
      pipeline.steps, [](const Step& step) { return std::holds_alternative<ReadStep>(step); });
  return reads ? std::get_if<LoadStep>(&pipeline.steps.back()) : nullptr;
}

/// Runs that are looked through for one that loaded an object: a replay may leave no entry.
constexpr size_t looked_through = 20;

/// The newest run that loaded an object, and so has an entry in the ledger.
Result<std::optional<Run>> newest_load(const PipelineName& pipeline, runlog::RunLog& log) {
  std::optional<Run> newest;
  for (const RunState state : {RunState::succeeded, RunState::partial}) {
    const auto runs =
        WEIR_TRY(log.list({.pipeline = pipeline, .state = state, .limit = looked_through}));
    const auto at = std::ranges::find_if(
        runs, [](const Run& run) { return run.object && run.trigger != replay_trigger; });
    if (at != runs.end() && (!newest || newest->id < at->id)) newest = *at;
  }
  return newest;
}

Result<bool> is_in_ledger(pipeline::Databases& databases, const DatabaseName& name,
                          const RunId& run) {
  const auto target = WEIR_TRY(pipeline::open_target(databases, name));
  const auto rows = WEIR_TRY(target.sql->run(
      "SELECT 1 FROM weir_loads WHERE run_id = " + target.sql->literal(run.value()) + " LIMIT 1"));
  return rows.size() > 0;
}

Result<void> forget_objects(const Pipeline& pipeline, runlog::RunLog& log) {
  std::set<BucketName> buckets;
  for (const Trigger& trigger : pipeline.triggers) {
    if (const auto* object = std::get_if<ObjectTrigger>(&trigger)) buckets.insert(object->bucket);
  }
  for (const BucketName& bucket : buckets) {
    while (true) {
      const auto known = WEIR_TRY(log.known_after(pipeline.name, bucket, ObjectKey(), page_size));
      if (known.empty()) break;
      std::vector<ObjectRef> objects;
      for (const runlog::KnownObject& one : known) objects.push_back(one.object);
      WEIR_TRY(log.forget(pipeline.name, objects));
    }
  }
  return {};
}

/// `silent`: databases that could not be asked; each is tried once.
Result<bool> forget_lost(const Project& project, const Pipeline& pipeline,
                         pipeline::Resources& resources, runlog::RunLog& log,
                         std::set<DatabaseName>& silent) {
  const LoadStep* load = load_of_objects(pipeline);
  const Table* table = load != nullptr ? project.find_table(load->table) : nullptr;
  if (table == nullptr || silent.contains(table->database)) return false;
  const auto newest = WEIR_TRY(newest_load(pipeline.name, log));
  if (!newest) return false;
  const auto known = is_in_ledger(*resources.databases, table->database, newest->id);
  if (!known) silent.insert(table->database);
  if (!known || *known) return false;
  log::warning(
      "database {} knows nothing of run {}, which loaded into it: it was replaced, or put back to "
      "an earlier state. Every object of pipeline {} is held against its ledger again",
      table->database.value(), newest->id.value(), pipeline.name.value());
  WEIR_TRY(forget_objects(pipeline, log));
  return true;
}

}  // namespace

Result<bool> forget_lost_loads(const Project& project, const Pipeline& pipeline,
                               pipeline::Resources& resources, runlog::RunLog& log) {
  std::set<DatabaseName> silent;
  return forget_lost(project, pipeline, resources, log, silent);
}

Result<void> forget_lost_loads(const Project& project, pipeline::Resources& resources,
                               runlog::RunLog& log) {
  std::set<DatabaseName> silent;
  for (const Pipeline& pipeline : project.pipelines) {
    WEIR_TRY(forget_lost(project, pipeline, resources, log, silent));
  }
  return {};
}

}  // namespace weir::scheduler
