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

namespace weir::pipeline {

/// The step that wrote a notice; null when the project has it no more.
const NotifyStep* notify_step(const Project& project, const runlog::Notice& notice);

/// Why a notice was not taken.
struct RefusedNotice {
  Error error;
  std::optional<std::chrono::milliseconds> retry_after;
  bool for_good = false;  ///< the receiver says that it is gone
};

/// Sends it once. None: it was taken (2xx).
std::optional<RefusedNotice> send_notice(http::Client& client, const NotifyStep& step,
                                         const runlog::Notice& notice,
                                         secrets::SecretStore& secrets, const Clock& clock,
                                         std::chrono::milliseconds timeout,
                                         const std::atomic<bool>& cancel);

/// The header webhook-signature, as standardwebhooks.com has it: "v1," and the Base64 of the
/// HMAC-SHA256 of "ID.TIMESTAMP.BODY". A key "whsec_…" is the Base64 of its bytes; any other is its
/// own bytes. Errors: invalid_input ("whsec_" with no Base64 behind it).
Result<std::string> notice_signature(std::string_view key, std::string_view id, int64_t timestamp,
                                     std::string_view body);

}  // namespace weir::pipeline
