#include "scheduler/turns.h"

#include "base/check.h"

namespace weir::scheduler {

void Turns::begin(const PipelineName& pipeline) {
  const PipelineRules& rules = rules_.of(pipeline);
  if (++at_work_[pipeline] >= rules.concurrency) full_.insert(pipeline);
  for (const DatabaseName& database : rules.databases) {
    const int count = ++at_work_in_[database];
    const auto limit = rules_.max_runs.find(database);
    if (limit != rules_.max_runs.end() && count >= limit->second) full_databases_.insert(database);
  }
}

void Turns::end(const PipelineName& pipeline) {
  const auto found = at_work_.find(pipeline);
  WEIR_CHECK(found != at_work_.end(), "a turn that ends has begun");
  if (--found->second == 0) at_work_.erase(found);
  full_.erase(pipeline);
  for (const DatabaseName& database : rules_.of(pipeline).databases) {
    --at_work_in_[database];
    full_databases_.erase(database);
  }
}

std::set<DatabaseName> Turns::closed_databases() const {
  std::set<DatabaseName> closed = down_;
  closed.insert(full_databases_.begin(), full_databases_.end());
  return closed;
}

}  // namespace weir::scheduler
