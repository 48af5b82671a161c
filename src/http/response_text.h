#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "http/message.h"

namespace weir::http {

enum class After { keep, close };

/// How an answer tells where its body ends.
enum class BodyEnd {
  length,   ///< by content-length
  chunked,  ///< by its last chunk
  close,    ///< by the connection's end
};

/// What carries an answer: through TLS, browsers are told to ask for nothing less from now on.
enum class Transport { plain, tls };

/// The status line and headers of an answer, with those every answer has: content-length, date,
/// connection, and what keeps browsers from making anything of it. A header that would break out of
/// its line makes the answer a 500, in `response`, too; such a body has a length.
std::string head_text(Response& response, After after, std::chrono::system_clock::time_point now,
                      Transport transport, BodyEnd body_end = BodyEnd::length);
/// For a connection that there is no room for: the whole answer.
inline constexpr std::string_view crowded_answer =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n";
/// Whether every header stays in its line.
bool has_sound_headers(const Response& response);

}  // namespace weir::http
