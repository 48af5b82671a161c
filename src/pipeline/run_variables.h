#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "calendar/zone.h"
#include "duckdb/connection.h"
#include "model/pipeline.h"

namespace weir::pipeline {

/// The zone whose days a pipeline's runs have: that of its first cron trigger with one, else UTC.
/// Errors: invalid_project, when this machine does not know it.
Result<calendar::Zone> zone_of(const Pipeline& pipeline);

/// What ${run.day} stands for in a run scheduled for this moment: the day that closed.
Result<std::chrono::sys_days> run_day(const Pipeline& pipeline, Timestamp scheduled_for);

/// `${run.day}` and `${run.scheduled_for}`: while a statement is compiled literals stand in for
/// them, in the finished one they are the named parameters $weir_run_day and
/// $weir_run_scheduled_for.
std::string stand_in_run_variables(const std::string& sql);
/// Where a byte of a text with stand-ins stands in the text before.
int offset_before_stand_in(const std::string& sql, int offset);
std::string bind_run_variables(const std::string& sql);
/// Whether a finished statement has them as parameters.
bool holds_run_variables(const std::string& sql);

/// The values of a finished statement's `count` parameters; `index_of` says where, from 1, a named
/// one stands, and 0 when there is none. Errors: invalid_project (no such zone).
Result<std::vector<duckdb::Parameter>> run_parameters(
    const Pipeline& pipeline, Timestamp scheduled_for, size_t count,
    const std::function<size_t(const std::string& name)>& index_of);
Result<std::vector<duckdb::Parameter>> run_parameters(const duckdb::Statement& statement,
                                                      const Pipeline& pipeline,
                                                      Timestamp scheduled_for);

/// The same variables in a text that is no SQL: "2026-11-19" and "2026-11-20T00:05:00Z".
/// Errors: invalid_project (no such zone).
Result<std::string> fill_run_variables(std::string text, const Pipeline& pipeline,
                                       Timestamp scheduled_for);

}  // namespace weir::pipeline
