#pragma once

#include <chrono>
#include <string>

#include "http/message.h"

namespace weir::http {

enum class After { keep, close };

/// How an answer tells where its body ends.
enum class BodyEnd {
  length,   ///< by content-length
  chunked,  ///< by its last chunk
  close,    ///< by the connection's end
};

/// The status line and headers of an answer, with those every answer has: content-length, date,
/// connection, and what keeps browsers from making anything of it. A header that would break out of
/// its line makes the answer a 500, in `response`, too; such a body has a length.
std::string head_text(Response& response, After after, std::chrono::system_clock::time_point now,
                      BodyEnd body_end = BodyEnd::length);
/// Whether every header stays in its line.
bool has_sound_headers(const Response& response);

}  // namespace weir::http
