#pragma once

#include <map>
#include <set>
#include <vector>

#include "scheduler/dispatch_rules.h"

namespace weir::scheduler {

/// Whose turn it is: which pipelines have as many batches at work as they may, and which databases
/// take no further one, because of their limit or because they are down. One thread.
class Turns {
 public:
  /// `rules` must outlive it.
  explicit Turns(const DispatchRules& rules) : rules_(rules) {}

  void begin(const PipelineName& pipeline);
  void end(const PipelineName& pipeline);

  /// A database that is down: no turns begin in it until it is up again.
  void set_down(const DatabaseName& database) { down_.insert(database); }
  void set_up(const DatabaseName& database) { down_.erase(database); }

  /// Of which no further batch may begin: at most as many as there are batches at work.
  std::vector<PipelineName> full_pipelines() const { return {full_.begin(), full_.end()}; }
  /// In which no further batch may begin.
  std::set<DatabaseName> closed_databases() const;

 private:
  const DispatchRules& rules_;
  std::map<PipelineName, int> at_work_;
  std::set<PipelineName> full_;
  std::map<DatabaseName, int> at_work_in_;
  std::set<DatabaseName> full_databases_;
  std::set<DatabaseName> down_;
};

}  // namespace weir::scheduler
