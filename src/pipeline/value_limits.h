#pragma once

#include <string>
#include <vector>

#include "model/table.h"

namespace weir::pipeline {

/// Values of a column's type that its server cannot hold: a rule of the contract, so that such a
/// row is rejected beforehand, and no load fails for it.
struct ValueLimit {
  std::string broken;   ///< SQL over the column (DuckDB), true for such a value
  std::string rule;     ///< "varchar on Postgres"
  std::string message;  ///< one sentence; "{}" stands for the value
};

/// Texts with a NUL; dates and timestamps before 4713 BC or, dates, after the year 5,874,897.
std::vector<ValueLimit> postgres_limits(const Column& column);

/// NaN and infinities; dates and timestamps outside of the years 1 to 9999; json that is nested
/// deeper than `json_depth`; in a key or a `unique` column of `key_columns` columns (0: in none)
/// texts and bytes without a length that are longer than an index takes.
std::vector<ValueLimit> mysql_limits(const Column& column, int json_depth, int key_columns);

}  // namespace weir::pipeline
