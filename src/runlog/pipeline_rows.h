#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "model/names.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

/// The numbers that stand for pipelines' names in the other tables. As thread-safe as the
/// connection: not.
class PipelineRows {
 public:
  explicit PipelineRows(SqliteConnection& connection) : connection_(connection) {}

  /// The pipeline's number; it gets one when it has none.
  Result<int64_t> row(const PipelineName& name);
  /// After a rollback: a pipeline it added has no row any more.
  void forget() { rows_.clear(); }

  /// The number, looked up without adding one.
  static Result<std::optional<int64_t>> find(SqliteConnection& connection,
                                             const PipelineName& name);

 private:
  SqliteConnection& connection_;
  std::unordered_map<PipelineName, int64_t> rows_;
};

}  // namespace weir::runlog
