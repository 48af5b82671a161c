#include "pipeline/mend_export.h"

#include "pipeline/stored_records.h"

namespace weir::pipeline {

Result<void> export_rejects(const Project& project, Resources& resources, const RejectedRun& run,
                            MendFormat format, const MendWriter::Write& write) {
  const Pipeline* pipeline = project.find_pipeline(run.pipeline);
  if (pipeline == nullptr) {
    return fail(ErrorCode::not_found,
                "the run's pipeline '" + run.pipeline.value() + "' is gone from the project",
                "without --format csv or json the rejects are listed all the same");
  }
  const PipelineParts parts = WEIR_TRY(take_apart(project, *pipeline));
  const Target target = WEIR_TRY(open_target(*resources.databases, run.database));
  StoredRecords records(parts, resources, target.database, run);
  const auto columns = WEIR_TRY(
      records.all_columns(WEIR_TRY(entry_steps_of(*target.sql, run.run, Rejects::unresolved))));
  MendWriter writer(format, columns, write);
  bool read = writer.begin();
  WEIR_TRY(for_each_reject(*target.sql, run.run, Rejects::unresolved,
                           [&](const StoredReject& reject) -> Result<bool> {
                             MendRow row;
                             row.reject = reject.id;
                             row.line = static_cast<int64_t>(reject.line.value_or(reject.element));
                             row.problem = problem_text(reject.problems);
                             row.record = WEIR_TRY(records.record_by(columns, reject));
                             // A record that could not be taken apart is seen here or nowhere.
                             if (!row.record.broken.empty())
                               row.problem += "; the record: " + reject.raw;
                             return read = read && writer.add(row);
                           }));
  if (read) writer.end();
  return {};
}

}  // namespace weir::pipeline
