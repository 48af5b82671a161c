#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/project.h"
#include "model/receipt.h"
#include "model/run.h"
#include "pipeline/executor.h"
#include "pipeline/resources.h"

namespace weir::pipeline {

enum class PlanWrites {
  rolled_back,  ///< the real work, in one transaction that is rolled back
  none,         ///< nothing is written to the target: what would happen is decided by a snapshot
};

/// Rows of one input that break one rule.
struct BrokenRule {
  std::string field;  ///< empty: of the whole record
  std::string rule;
  uint64_t rows = 0;
  Reject example;  ///< the first one; of its problems only this rule's
};

struct PlannedInput {
  /// As a run's would be. Its status says how that run would end; `failed` with the error and, when
  /// they are why, the rejects.
  Receipt receipt;
  std::vector<BrokenRule> broken;  ///< most rows first
};

struct Plan {
  const Table* table = nullptr;  ///< null: the pipeline loads none, it downloads
  PlanWrites writes = PlanWrites::rolled_back;
  std::optional<Error> error;    ///< why no input could be loaded: the table drifted, …
  std::vector<std::string> ddl;  ///< what a run would do first: make tables that are missing
  /// What a run would do outside of the database, which no rollback takes back: described, not
  /// done.
  std::vector<std::string> effects;
  std::vector<PlannedInput> inputs;  ///< in the order of the runs
  double duration_ms = 0;
  uint64_t peak_memory_bytes = 0;  ///< of the process while it planned
};

/// Says what running the pipeline on these inputs would do, one after the other, each seeing what
/// the ones before it leave; keeps nothing: no row, no table, no entry in the ledger. Holds the
/// locks of the tables meanwhile; loads into them wait. `progress.rows_read` and `bytes_read` grow,
/// and `cancel` ends it. Errors: invalid_project, not_yet, unavailable, cancelled; what is wrong
/// with an input, or with the table, is in the inputs' receipts.
Result<Plan> plan_runs(const Project& project, Resources& resources, const Clock& clock,
                       const Pipeline& pipeline, std::span<const Run> runs, PlanWrites writes,
                       Progress& progress);

}  // namespace weir::pipeline
