#pragma once

#include <chrono>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "calendar/cron_times.h"

namespace weir::calendar {

/// `rate(5 minutes)`: at every multiple of the period since 1970-01-01T00:00:00Z, whatever the
/// zone.
struct Rate {
  std::chrono::seconds period{0};
};

using CronExpression = std::variant<CronTimes, Rate>;

/// Reads an expression in one of these forms; names and macros in any case.
///   m h dom mon dow         five fields, or six with seconds first
///   @hourly @daily @midnight @weekly @monthly @annually @yearly
///   cron(m h dom mon dow y) as AWS has it, with ? L W #
///   rate(n unit)            second, minute, hour, day, and their plurals
/// Errors: invalid_project; the location's column counts from 1 within the text. An expression
/// that names no day of any year is an error, too.
Result<CronExpression> parse_cron(std::string_view text);

}  // namespace weir::calendar
