#include "pipeline/row_folds.h"

#include <algorithm>

#include "pipeline/run_variables.h"

namespace weir::pipeline {
namespace {

Location location_of(const Step& step) {
  return std::visit([](const auto& each) { return each.location; }, step);
}

const char* name_of(const RowFold& fold) {
  return std::holds_alternative<AggregateStep>(*fold.step) ? "aggregate" : "dedupe";
}

/// Groups and sorts spill; what an aggregate itself gathers of its rows does not.
std::string memory_fix(const RowFold& fold) {
  return std::holds_alternative<AggregateStep>(*fold.step)
             ? "aggregates that keep texts or lists (first, list, string_agg, …) hold all groups' "
               "in memory: raise 'memory', or fold into fewer groups"
             : "raise 'memory'";
}

}  // namespace

bool RowFolds::uses_run_variables() const {
  return std::any_of(folds_.begin(), folds_.end(), [](const RowFold& fold) {
    return std::any_of(fold.fills.begin(), fold.fills.end(), holds_run_variables);
  });
}

Result<void> RowFolds::clear() {
  for (const RowFold& fold : folds_) {
    for (const std::string& table : fold.tables) WEIR_TRY(connection_.run("TRUNCATE " + table));
  }
  return {};
}

Result<std::vector<FoldCounts>> RowFolds::run(size_t inputs, const Parameters& parameters) {
  std::vector<FoldCounts> counts(inputs);
  WEIR_TRY(clear());
  for (const RowFold& fold : folds_) {
    auto done = run_fold(fold, parameters, counts);
    if (done) continue;
    Error error = std::move(done).error();
    if (error.code == ErrorCode::sql) {
      error.message = std::string("the ") + name_of(fold) + " step fails: " + error.message;
      error.location = location_of(*fold.step);
      if (error.message.find("Out of Memory") != std::string::npos) error.fix = memory_fix(fold);
    }
    return fail(std::move(error));
  }
  return counts;
}

/// Planned anew each time: DuckDB plans with the statistics its tables have at that moment.
Result<void> RowFolds::run_fold(const RowFold& fold, const Parameters& parameters,
                                std::vector<FoldCounts>& counts) {
  for (const std::string& fill : fold.fills) {
    const auto statement = WEIR_TRY(connection_.prepare(fill));
    WEIR_TRY(statement->run(WEIR_TRY(parameters(*statement))));
  }
  const auto rows = WEIR_TRY(connection_.run(fold.counts));
  for (size_t i = 0; i < rows.size(); ++i) {
    FoldCounts& count = counts.at(static_cast<size_t>(rows.int64(i, 0)));
    count.folded += static_cast<uint64_t>(rows.int64(i, 1));
    count.deduplicated += static_cast<uint64_t>(rows.int64(i, 2));
    count.filtered += static_cast<uint64_t>(rows.int64(i, 3));
  }
  return {};
}

}  // namespace weir::pipeline
