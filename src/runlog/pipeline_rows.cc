#include "runlog/pipeline_rows.h"

#include "runlog/run_log_sql.h"

namespace weir::runlog {

Result<int64_t> PipelineRows::row(const PipelineName& name) {
  if (const auto found = rows_.find(name); found != rows_.end()) return found->second;
  for (;;) {
    if (const auto row = WEIR_TRY(find(connection_, name))) return rows_[name] = *row;
    WEIR_TRY(connection_.run(sql::add_pipeline, name.value()));
  }
}

Result<std::optional<int64_t>> PipelineRows::find(SqliteConnection& connection,
                                                  const PipelineName& name) {
  Query query = WEIR_TRY(connection.query(sql::find_pipeline));
  query.bind(name.value());
  if (!WEIR_TRY(query.next())) return std::nullopt;
  return query.integer(0);
}

}  // namespace weir::runlog
