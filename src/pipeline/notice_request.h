#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/client.h"
#include "model/project.h"
#include "runlog/run_log_values.h"
#include "secrets/secret_store.h"

namespace weir::trace {
class Tracer;
}

namespace weir::pipeline {

/// The step that wrote a notice; null when the project has it no more.
const NotifyStep* notify_step(const Project& project, const runlog::Notice& notice);

/// Why a notice was not taken.
struct RefusedNotice {
  Error error;
  std::optional<std::chrono::milliseconds> retry_after;
  bool for_good = false;  ///< the receiver says that it is gone
};

/// What a notice is sent with. All must outlive the call.
struct NoticeSending {
  http::Client& client;
  secrets::SecretStore& secrets;
  const Clock& clock;
  std::chrono::milliseconds timeout;
  const trace::Tracer* tracer;  ///< names the run's span for the receiver; null: nobody does
};

/// Sends it once. None: it was taken (2xx).
std::optional<RefusedNotice> send_notice(const NoticeSending& with, const NotifyStep& step,
                                         const runlog::Notice& notice,
                                         const std::atomic<bool>& cancel);

/// The header webhook-signature, as standardwebhooks.com has it: "v1," and the Base64 of the
/// HMAC-SHA256 of "ID.TIMESTAMP.BODY". A key "whsec_…" is the Base64 of its bytes; any other is its
/// own bytes. Errors: invalid_input ("whsec_" with no Base64 behind it).
Result<std::string> notice_signature(std::string_view key, std::string_view id, int64_t timestamp,
                                     std::string_view body);

}  // namespace weir::pipeline
