#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "pipeline/load_book.h"
#include "pipeline/reject_collector.h"

namespace weir::pipeline {

/// The rejects of one input as its receipt shows them.
struct InputRejects {
  uint64_t rows = 0;                             ///< rejected rows in all
  std::vector<Reject> listed;                    ///< the first Receipt::listed_rejects
  std::map<std::string, uint64_t> broken_rules;  ///< rows by the first rule they broke

  void count(const Reject& reject) {
    ++rows;
    if (!reject.problems.empty()) ++broken_rules[reject.problems.front().rule];
    if (listed.size() < Receipt::listed_rejects) listed.push_back(reject);
  }
};

/// Turns collected entries into rejects with line, byte range and raw text by reading those records
/// again, and writes all of them into `book` (null: they are only shown).
/// Returns one element per input. Errors: io, input_changed, sql.
Result<std::vector<InputRejects>> report_rejects(Session& session, RejectCollector& collector,
                                                 std::span<Input> inputs, LoadBook* book);

/// The same for a pipeline that begins with sql: an element is a row of its query, by ordinal.
/// `input` names the run and the version alone.
Result<InputRejects> report_query_rejects(Session& session, RejectCollector& collector,
                                          const Input& input, LoadBook* book);

}  // namespace weir::pipeline
