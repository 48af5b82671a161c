#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "runlog/run_log.h"
#include "text/json.h"

namespace weir::cli {

/// Which runs `weir runs` is to list, from its arguments: pipeline, state, object, since, until,
/// limit. Errors: usage.
Result<runlog::RunFilter> run_filter(const text::Json& args, Timestamp now);

/// A moment as people say it: "2026-11-20T06:30:00Z" (any offset), "2026-11-20T06:30" and
/// "2026-11-20" (both UTC), or how long before `now`: "90m", "24h", "7d". Errors: usage, naming
/// `option`.
Result<Timestamp> parse_moment(const std::string& option, const std::string& text, Timestamp now);

}  // namespace weir::cli
