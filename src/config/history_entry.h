#pragma once

#include "config/values.h"
#include "model/project.h"

namespace weir::config {

/// How much of what has happened the run log keeps, as written.
struct HistoryEntry {
  Located<int64_t> keep_ms{HistoryConfig{}.keep_ms, {}};
  Located<int64_t> runs{HistoryConfig{}.runs, {}};
};

Value<HistoryEntry> history_value();

}  // namespace weir::config
