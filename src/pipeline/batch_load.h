#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "pipeline/executor.h"
#include "pipeline/input.h"
#include "pipeline/load_book.h"
#include "pipeline/phase_times.h"
#include "pipeline/session.h"
#include "pipeline/table_locks.h"

namespace weir::pipeline {

/// What a load needs from around it.
struct LoadContext {
  const Project& project;
  const Clock& clock;
  TableLocks& table_locks;
  Progress& progress;
  int threads = 1;
  LoadBook* book = nullptr;     ///< null: the ledger
  PhaseTimes* times = nullptr;  ///< notes when each phase was; null: nobody wants to know

  void begin_phase(std::string_view name) const {
    if (times != nullptr) times->begin(name);
  }
};

/// Why a load was rolled back, and, when its rejects were the reason, which they were.
struct LoadFailure {
  Error error;
  RowCounts rows;               ///< the rejected rows only; the others were rolled back
  std::vector<Reject> rejects;  ///< the first Receipt::listed_rejects
  std::map<std::string, uint64_t> broken_rules = {};  ///< as Receipt::broken_rules
};

/// Loads several objects in one transaction: their rows, ledger entries and rejects, or nothing.
/// Returns one receipt per input. A failure means that nothing was committed; with more than one
/// input it says nothing about which one is to blame.
tl::expected<std::vector<Receipt>, LoadFailure> load_objects(Session& session,
                                                             std::span<Input> inputs,
                                                             const LoadContext& context);

/// Runs a pipeline that begins with sql: query, rows and ledger in one transaction.
tl::expected<Receipt, LoadFailure> load_query(Session& session, const Run& run,
                                              const LoadContext& context);

}  // namespace weir::pipeline
