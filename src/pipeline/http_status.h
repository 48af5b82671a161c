#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "http/response_head.h"

namespace weir::pipeline {

/// What an answer that is none of the 2xx means for who asked.
struct RefusedAnswer {
  Error error;
  std::optional<std::chrono::milliseconds> retry_after;  ///< as the server asked
};

/// Worth another try (unavailable): 408, 425, 429 and the 5xx. Not: 404 and 410 (not_found), all
/// others (invalid_input).
RefusedAnswer refused_answer(const http::ResponseHead& head, Timestamp now);

}  // namespace weir::pipeline
