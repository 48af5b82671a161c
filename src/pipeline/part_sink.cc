#include "pipeline/part_sink.h"

#include <fmt/format.h>

#include "base/redaction.h"
#include "pipeline/http_status.h"

namespace weir::pipeline {
namespace {

/// What is kept on disk to be said to the server again. One that tells a secret of the request in
/// it is asked next time as if it had told nothing.
std::string rememberable(std::string_view told) {
  return holds_secret(told) ? std::string() : std::string(told);
}

/// How the answer is packed: "" when it is not.
Result<std::string> encoding_of(const http::ResponseHead& head) {
  const std::string_view encoding = head.find("content-encoding");
  if (encoding.empty() || encoding == "identity") return "";
  if (encoding == "gzip" || encoding == "x-gzip") return "gzip";
  if (encoding == "zstd") return "zstd";
  return fail(ErrorCode::invalid_input,
              fmt::format("{} answers in the content-encoding '{}', which was not asked for",
                          head.url, encoding.substr(0, 40)),
              "ask its operator for plain content");
}

}  // namespace

Result<void> PartSink::check_size(uint64_t bytes, const std::string& url) const {
  if (bytes <= wanted_.max_size) return {};
  return fail(ErrorCode::invalid_input,
              fmt::format("{} is larger than its max_size of {} bytes", url, wanted_.max_size),
              "if that is right, raise 'max_size'");
}

Result<void> PartSink::head(const http::ResponseHead& head) {
  url_ = head.url;
  switch (head.status) {
    case 200:
    case 203: return begin(head);
    case 206: return go_on(head);
    case 304:
      if (!wanted_.conditional) return refuse(head);
      unchanged_ = true;
      return {};
    case 416: begin_anew_ = wanted_.resume; return refuse(head);
    default: return refuse(head);
  }
}

Result<void> PartSink::refuse(const http::ResponseHead& head) {
  const RefusedAnswer refused = refused_answer(head, clock_.now());
  retry_after_ = refused.retry_after;
  return fail(refused.error);
}

Result<void> PartSink::begin(const http::ResponseHead& head) {
  PartState state;
  state.url_digest = wanted_.url_digest;
  state.target = wanted_.target;
  state.encoding = WEIR_TRY(encoding_of(head));
  state.validator = rememberable(http::resume_validator(head));
  state.etag = rememberable(head.find("etag"));
  state.last_modified = rememberable(head.find("last-modified"));
  // With a transfer-encoding the length is not that of the content.
  if (head.find("transfer-encoding").empty()) {
    state.total = http::parse_length(head.find("content-length"));
  }
  WEIR_TRY(check_size(state.total.value_or(0), head.url));
  progress_.bytes_total += state.total.value_or(0);
  return part_.begin(std::move(state));
}

Result<void> PartSink::go_on(const http::ResponseHead& head) {
  const auto range = http::parse_content_range(head.find("content-range"));
  const PartState& state = part_.state();
  const std::string_view tag = head.find("etag");
  const bool follows = wanted_.resume && range && range->first && *range->first == part_.size();
  const bool same = (!range || !range->total || !state.total || *range->total == *state.total) &&
                    (tag.empty() || tag == state.etag) &&
                    WEIR_TRY(encoding_of(head)) == state.encoding;
  if (!follows || !same) {
    begin_anew_ = wanted_.resume;
    return fail(ErrorCode::unavailable,
                head.url + " answers 206 with another part than was asked for", "ask its operator");
  }
  if (range->total) WEIR_TRY(check_size(*range->total, head.url));
  went_on_ = true;
  progress_.bytes_total += range->total.value_or(0);
  progress_.bytes_read += part_.size();
  return {};
}

Result<void> PartSink::body(std::string_view bytes) {
  if (unchanged_) return {};
  WEIR_TRY(check_size(part_.size() + bytes.size(), url_));
  progress_.bytes_read += bytes.size();
  return part_.append(bytes);
}

}  // namespace weir::pipeline
