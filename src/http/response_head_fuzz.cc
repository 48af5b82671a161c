// Any bytes as the lines of an answer's head and as the values we read: never crashes, and what is
// read holds together.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/response_head.h"
#include "text/url.h"

namespace weir::http {
namespace {

void check_values(std::string_view value) {
  if (const auto range = parse_content_range(value)) {
    WEIR_CHECK(range->first.has_value() == range->last.has_value(), "a range has both ends");
    WEIR_CHECK(range->first || range->total, "a range says something");
    WEIR_CHECK(!range->first || *range->first <= *range->last, "a range goes forward");
    WEIR_CHECK(!range->last || !range->total || *range->last < *range->total,
               "a range ends within the whole");
  }
  const Timestamp now{};
  if (const auto wait = parse_retry_after(value, now)) {
    WEIR_CHECK(wait->count() >= 0 && *wait <= std::chrono::hours(24), "waits are bounded");
  }
  static_cast<void>(parse_http_date(value));
}

void check_url(std::string_view text) {
  const auto url = text::parse_url(text);
  if (!url) return;
  WEIR_CHECK(!url->host.empty() && url->port >= 1 && url->port <= 65535, "a URL has a host");
  const auto shown = text::parse_url(url->origin() + url->path);
  WEIR_CHECK(shown && shown->host == url->host && shown->port == url->port,
             "what is shown leads to the same host");
  WEIR_CHECK(url->user_info.empty() || url->shown().find("@") == std::string::npos ||
                 url->path.find('@') != std::string::npos ||
                 url->query.find('@') != std::string::npos,
             "no user info is shown");
}

void check_head(std::string_view bytes) {
  HeadReader reader;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end == bytes.npos ? end : end + 1);
    if (!reader.add(line)) return;
    bytes.remove_prefix(line.size());
  }
  if (!reader.complete()) return;
  WEIR_CHECK(reader.head().status >= 200 && reader.head().status <= 999, "a head has a status");
  static_cast<void>(resume_validator(reader.head()));
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  weir::http::check_head(bytes);
  weir::http::check_values(bytes);
  weir::http::check_url(bytes);
  return 0;
}
