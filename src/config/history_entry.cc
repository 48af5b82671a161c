#include "config/history_entry.h"

namespace weir::config {
namespace {

constexpr int64_t minute_ms = 60'000;
constexpr int64_t hundred_years_ms = 100 * 365 * 24 * 60 * minute_ms;
// Fewer, and a run could be gone before whoever waits for it has seen its verdict.
constexpr int64_t least_runs = 1000;
constexpr int64_t most_runs = 1'000'000'000;

}  // namespace

Value<HistoryEntry> history_value() {
  return Record<HistoryEntry>(
             "history",
             "How much of what has happened stays in the run log; the oldest goes first. Queued, "
             "running and parked runs stay however old they are, and what is loaded is in the "
             "ledger, not here.")
      .optional("keep", &HistoryEntry::keep_ms, duration_value(minute_ms, hundred_years_ms),
                "How long a finished run stays, with its receipt and its log.", "30d")
      .optional("runs", &HistoryEntry::runs, integer_value(least_runs, most_runs),
                "The most finished runs that stay.", "100000")
      .value();
}

}  // namespace weir::config
