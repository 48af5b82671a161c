#include "pipeline/http_status.h"

#include <string>

namespace weir::pipeline {
namespace {

ErrorCode code_of(int status) {
  if (status >= 500 || status == 408 || status == 425 || status == 429) {
    return ErrorCode::unavailable;
  }
  return status == 404 || status == 410 ? ErrorCode::not_found : ErrorCode::invalid_input;
}

std::string fix_for(int status) {
  if (status >= 300 && status < 400) return "write the URL it redirects to";
  switch (status) {
    case 401:
    case 403: return "check the credentials in 'headers' or in the URL";
    case 404:
    case 410: return "check the URL";
    case 429: return "ask less often";
    default: return status < 500 ? "check the URL and the headers" : "ask its operator";
  }
}

}  // namespace

RefusedAnswer refused_answer(const http::ResponseHead& head, Timestamp now) {
  RefusedAnswer out;
  out.error.code = code_of(head.status);
  out.error.message = head.url + " answers " + std::to_string(head.status);
  out.error.fix = fix_for(head.status);
  if (out.error.retryable()) {
    out.retry_after = http::parse_retry_after(head.find("retry-after"), now);
  }
  return out;
}

}  // namespace weir::pipeline
