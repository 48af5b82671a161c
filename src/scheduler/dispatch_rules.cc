#include "scheduler/dispatch_rules.h"

#include <set>

namespace weir::scheduler {
namespace {

std::vector<DatabaseName> databases_of(const Project& project, const Pipeline& pipeline) {
  std::set<DatabaseName> found;
  for (const Step& step : pipeline.steps) {
    if (const auto* sql = std::get_if<SqlStep>(&step)) found.insert(sql->database);
    if (const auto* load = std::get_if<LoadStep>(&step)) {
      const Table* table = project.find_table(load->table);
      if (table != nullptr) found.insert(table->database);
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace

const PipelineRules& DispatchRules::of(const PipelineName& pipeline) const {
  static const PipelineRules defaults;
  const auto found = pipelines.find(pipeline);
  return found == pipelines.end() ? defaults : found->second;
}

DispatchRules dispatch_rules(const Project& project) {
  DispatchRules rules;
  for (const Pipeline& pipeline : project.pipelines) {
    rules.pipelines[pipeline.name] = {pipeline.concurrency, pipeline.retry,
                                      databases_of(project, pipeline)};
  }
  for (const DatabaseConfig& database : project.databases) {
    if (database.max_runs > 0) rules.max_runs[database.name] = database.max_runs;
  }
  return rules;
}

}  // namespace weir::scheduler
