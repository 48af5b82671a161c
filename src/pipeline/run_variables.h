#pragma once

#include <string>

namespace weir::pipeline {

/// `${run.day}` and `${run.scheduled_for}`: while a statement is compiled literals stand in for
/// them, in the finished one they are the named parameters $weir_run_day and
/// $weir_run_scheduled_for.
std::string stand_in_run_variables(const std::string& sql);
/// Where a byte of a text with stand-ins stands in the text before.
int offset_before_stand_in(const std::string& sql, int offset);
std::string bind_run_variables(const std::string& sql);
/// Whether a finished statement has them as parameters.
bool holds_run_variables(const std::string& sql);

}  // namespace weir::pipeline
