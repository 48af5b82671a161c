#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "pipeline/input.h"
#include "pipeline/reject_collector.h"
#include "pipeline/session.h"

namespace weir::pipeline {

/// The rejects of one input as its receipt shows them.
struct InputRejects {
  uint64_t rows = 0;           ///< rejected rows in all
  std::vector<Reject> listed;  ///< the first Receipt::listed_rejects
};

/// Whether the rejects go into the quarantine or are only shown.
enum class Quarantine { write, show_only };

/// Turns collected entries into rejects with line, byte range and raw text by reading those records
/// again, and writes all of them to weir_rejects inside the connection's transaction.
/// Returns one element per input. Errors: io, input_changed, sql.
Result<std::vector<InputRejects>> report_rejects(Session& session, RejectCollector& collector,
                                                 std::span<Input> inputs, Timestamp now,
                                                 Quarantine quarantine);

/// The same for a pipeline that begins with sql: an element is a row of its query, by ordinal.
Result<InputRejects> report_query_rejects(Session& session, RejectCollector& collector,
                                          const Run& run, const ObjectVersion& version,
                                          Timestamp now);

}  // namespace weir::pipeline
