#include "scheduler/lost_loads.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "pipeline/target_sql.h"
#include "text/receipt_json.h"

namespace weir::scheduler {
namespace {

constexpr size_t page_size = 1000;

/// Runs that are looked through for one that judged an object: a replay judges rows.
constexpr size_t looked_through = 20;

const LoadStep* load_of_objects(const Pipeline& pipeline) {
  const bool reads = std::ranges::any_of(
      pipeline.steps, [](const Step& step) { return std::holds_alternative<ReadStep>(step); });
  return reads ? std::get_if<LoadStep>(&pipeline.steps.back()) : nullptr;
}

/// What the ledger knew last: of the newest run that loaded an object, or found it loaded.
Result<std::optional<Receipt>> newest_receipt(const PipelineName& pipeline, runlog::RunLog& log) {
  std::optional<Run> newest;
  for (const RunState state : {RunState::succeeded, RunState::partial, RunState::skipped}) {
    const auto runs =
        WEIR_TRY(log.list({.pipeline = pipeline, .state = state, .limit = looked_through}));
    const auto at = std::ranges::find_if(
        runs, [](const Run& run) { return run.object && run.trigger != replay_trigger; });
    if (at != runs.end() && (!newest || newest->id < at->id)) newest = *at;
  }
  if (!newest) return std::nullopt;
  return text::receipt_from_json(WEIR_TRY(text::Json::parse(newest->receipt)));
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

}  // namespace

Result<void> forget_lost_loads(const Project& project, std::span<const Pipeline> pipelines,
                               pipeline::Resources& resources, runlog::RunLog& log) {
  std::map<DatabaseName, Result<pipeline::Target>> targets;  // each is asked for once
  for (const Pipeline& pipeline : pipelines) {
    const LoadStep* load = load_of_objects(pipeline);
    const Table* table = load != nullptr ? project.find_table(load->table) : nullptr;
    if (table == nullptr) continue;
    const auto newest = WEIR_TRY(newest_receipt(pipeline.name, log));
    if (!newest) continue;
    auto at = targets.find(table->database);
    if (at == targets.end()) {
      at = targets
               .emplace(table->database,
                        pipeline::open_target(*resources.databases, table->database))
               .first;
    }
    if (!at->second) continue;
    const pipeline::LedgerKey key{pipeline.name, static_cast<int>(pipeline.steps.size()) - 1,
                                  newest->object};
    const auto known = at->second->ledger->receipt_of(key, newest->version);
    if (!known || *known) continue;
    log::warning(
        "database {} knows nothing of what run {} loaded, or found loaded: it was replaced, or put "
        "back "
        "to an earlier state. Every object of pipeline {} is held against its ledger again",
        table->database.value(), newest->run.value(), pipeline.name.value());
    WEIR_TRY(forget_objects(pipeline, log));
  }
  return {};
}

}  // namespace weir::scheduler
