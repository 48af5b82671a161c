#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/retry_entry.h"
#include "config/values.h"
#include "model/pipeline.h"
#include "model/project.h"

namespace weir::config {

/// `network: {allow: [example.org, 10.0.0.0/8], deny: [10.1.0.0/16]}`
struct NetworkEntry {
  std::vector<NetworkRule> allow, deny;
  Located<std::string> ca_file;
};
Value<NetworkEntry> network_value();

/// `headers: {Authorization: "Bearer ${secret:token}"}`
Value<std::vector<Named<Located<std::string>>>> headers_value();

/// `download: {url: https://example.org/x.csv, to: landing/x.csv}`
struct DownloadEntry {
  Located<std::string> url, to;
  std::vector<Named<Located<std::string>>> headers;
  Located<std::string> sha256;
  Located<uint64_t> max_size{DownloadStep{}.max_size, {}};
  Located<int64_t> timeout_ms{DownloadStep{}.timeout_ms, {}};
  Located<int64_t> stall_ms{DownloadStep{}.stall_ms, {}};
  std::vector<NetworkRule> allow;
  std::optional<RetryEntry> retry;
  Location location;
};
Value<DownloadEntry> download_value();

enum class NoticeCause { success, failure, rejects };

/// `10` rows, or `5%` of those read.
struct RejectsOver {
  uint64_t rows = 0;
  std::optional<double> ratio;
  Location location;
};

/// `notify: {url: https://example.org/hook, on: [failure], sign: "${secret:hook}"}`
struct NotifyEntry {
  Located<std::string> url;
  std::optional<std::vector<Located<NoticeCause>>> on;
  std::optional<RejectsOver> rejects_over;
  Located<std::string> sign;
  std::vector<Named<Located<std::string>>> headers;
  std::optional<RetryEntry> retry;
  Location location;
};
Value<NotifyEntry> notify_value();

}  // namespace weir::config
