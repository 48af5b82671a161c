#pragma once

#include <chrono>
#include <string>

#include "http/message.h"

namespace weir::http {

enum class After { keep, close };

/// The status line and headers of an answer, with those every answer has: content-length, date,
/// connection, and what keeps browsers from making anything of it. A header that would break out of
/// its line makes the answer a 500, in `response`, too.
std::string head_text(Response& response, After after, std::chrono::system_clock::time_point now);

}  // namespace weir::http
