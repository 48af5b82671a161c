#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace weir::http {

struct HeaderField {
  std::string name, value;
};

/// An answer but for its body.
struct ResponseHead {
  int status = 0;
  std::vector<HeaderField> headers;  ///< in their order; the values without blanks around them
  std::string url;  ///< who answered, redirects followed, for people: see text::shown_url

  /// The first header of that name, whatever its case; empty when there is none.
  std::string_view find(std::string_view name) const;
};

/// Collects header lines as they come in.
class HeadReader {
 public:
  static constexpr size_t most_bytes = 64 * 1024;

  /// One line, its end included: a status line begins anew, an empty one ends the head. What comes
  /// behind a final head (trailers) is left out. Errors: invalid_input (more than most_bytes).
  Result<void> add(std::string_view line);
  /// Whether the head of the final answer, which is none of the 1xx, is complete.
  bool complete() const { return complete_; }
  const ResponseHead& head() const { return head_; }

 private:
  ResponseHead head_;
  size_t bytes_ = 0;
  bool complete_ = false;
};

/// "bytes 100-199/200" or "bytes */200".
struct ContentRange {
  std::optional<uint64_t> first, last;
  std::optional<uint64_t> total;  ///< none for "bytes 0-1/*"
};
std::optional<ContentRange> parse_content_range(std::string_view value);

/// A plain decimal number of bytes; none for anything else.
std::optional<uint64_t> parse_length(std::string_view value);

/// "Sun, 06 Nov 1994 08:49:37 GMT"; none for anything else.
std::optional<Timestamp> parse_http_date(std::string_view value);

/// Retry-After, in seconds or as a date; never negative, at most a day.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, Timestamp now);

/// What may stand behind If-Range: a strong ETag, or a Last-Modified so old that nothing can have
/// changed within its second. Empty when the answer has neither.
std::string resume_validator(const ResponseHead& head);

}  // namespace weir::http
