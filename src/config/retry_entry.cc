#include "config/retry_entry.h"

namespace weir::config {

RetryPolicy RetryEntry::policy() const {
  return {static_cast<int>(times.value), std::chrono::milliseconds(backoff_ms.value),
          std::chrono::milliseconds(longest_ms.value)};
}

Value<RetryEntry> retry_value() {
  return Record<RetryEntry>(
             "retry",
             "How often and when something is tried again that failed for a reason that may pass.")
      .optional("times", &RetryEntry::times, integer_value(0, 1000),
                "Most tries after the first; then the run is parked.", "5")
      .optional("backoff", &RetryEntry::backoff_ms, duration_value(0, 86'400'000),
                "The wait before the first retry; it doubles with each one.", "2s")
      .optional("longest", &RetryEntry::longest_ms, duration_value(0, 86'400'000),
                "No wait is longer.", "1h")
      .then([](const YamlNode&, RetryEntry& retry, Reader& reader) {
        if (retry.backoff_ms.value <= retry.longest_ms.value) return;
        reader.error(retry.backoff_ms.location,
                     "'backoff' is longer than 'longest' in " + reader.subject(),
                     retry.longest_ms.given() ? "make 'longest' at least as long"
                                              : "say 'longest' too: it is 5m when left out");
      })
      .value();
}

}  // namespace weir::config
