#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/database.h"
#include "pipeline/object_ranges.h"
#include "pipeline/quarantine.h"
#include "pipeline/row_query.h"
#include "pipeline/source_record.h"

namespace weir::pipeline {

/// What the records of a run's rejects were: from weir_rejects, or from the object where only a
/// part of the record was kept.
class StoredRecords {
 public:
  /// `parts` are of the run's pipeline as it is now. All must outlive this object.
  /// `database` is the run's, or where rows for it are computed.
  StoredRecords(const PipelineParts& parts, Resources& resources, Databases::Pointer database,
                const RejectedRun& run);

  /// The columns of a record that goes in at that step: 0 = at the source, else those of the rows
  /// the steps before it make. Errors: sql, invalid_input (no such step).
  Result<const std::vector<ReadColumn>*> columns(int entry_step);

  /// After columns(): per column the SQL type to cast it to once it is read; empty: it is read as
  /// what it is.
  const std::vector<std::string>& casts(int entry_step) { return casts_[entry_step]; }

  /// The columns of records that go in at these steps, each name once, for those who mend them.
  Result<std::vector<ReadColumn>> all_columns(const std::vector<int>& entry_steps);

  /// The latest mended row, else the record as it was rejected; by the columns of its entry step.
  /// `broken` when it cannot be replayed as it is.
  Result<SourceRecord> record(const StoredReject& reject);
  /// The same by the columns that all_columns() gave.
  Result<SourceRecord> record_by(const std::vector<ReadColumn>& columns,
                                 const StoredReject& reject);

 private:
  SourceRecord rejected_record(const StoredReject& reject, const std::vector<ReadColumn>& columns);
  Result<std::string> whole_raw(const StoredReject& reject);

  /// SQL type of each column, where the record's JSON does not become it by itself.
  std::map<int, std::vector<std::string>> casts_;

  const PipelineParts& parts_;
  Databases::Pointer database_;
  const RejectedRun& run_;
  ObjectRanges ranges_;
  std::map<int, std::vector<ReadColumn>> columns_;
};

}  // namespace weir::pipeline
