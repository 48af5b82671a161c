#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "pipeline/mend_file.h"
#include "pipeline/quarantine.h"
#include "pipeline/source_record.h"

namespace weir::pipeline {

/// The rows of a mended file in a temporary table of one connection, where they meet their rejects.
class MendedRows {
 public:
  /// `connection` has weir_rejects, or a copy of what is unresolved of the run; `ledger` has all
  /// of it. `null_text`: what the source spells null as; empty where that is an empty cell anyway.
  MendedRows(duckdb::Connection& connection, TargetSql& ledger, std::string null_text)
      : connection_(connection), ledger_(ledger), null_text_(std::move(null_text)) {}

  /// Reads the file; `columns` are those its rows may have. Errors: not_found, io; invalid_input
  /// with file:line:column: see MendReader, and a weir_reject that is unknown, another run's,
  /// resolved, or there twice.
  Result<void> read(const std::string& path, const std::string& name, const RejectedRun& rejected,
                    const std::vector<std::string>& columns);

  /// SQL that gives the rejects r their mended rows m, and the columns of m that apply() reads.
  static constexpr const char* join_sql =
      "LEFT JOIN temp.weir_mended m ON m.reject_id = r.reject_id";
  static constexpr const char* columns_sql = "m.cells, m.object, m.line, m.column_number";
  static constexpr size_t columns_count = 4;

  /// Changes `record` to what its row in the file says; false when it says nothing new. `cells`
  /// begin with those of columns_sql. Errors: invalid_input (a value in a column the record does
  /// not have).
  Result<bool> apply(std::span<const std::optional<std::string>> cells,
                     const std::vector<ReadColumn>& columns, SourceRecord& record) const;

 private:
  Result<void> check(const RejectedRun& rejected) const;
  Result<Error> explain(int64_t reject, const RejectedRun& rejected) const;

  duckdb::Connection& connection_;
  TargetSql& ledger_;
  std::string null_text_;
  std::string name_;
  std::vector<std::string> cell_columns_;
};

}  // namespace weir::pipeline
