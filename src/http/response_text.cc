#include "http/response_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace weir::http {
namespace {

bool fits_its_line(const Header& header) {
  const auto plain = [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 || c == '\t') && c != 0x7F;
  };
  return !header.name.empty() && std::ranges::all_of(header.name, plain) &&
         header.name.find_first_of(": \t") == std::string::npos &&
         std::ranges::all_of(header.value, plain);
}

}  // namespace

bool has_sound_headers(const Response& response) {
  return std::ranges::all_of(response.headers, fits_its_line);
}

std::string head_text(Response& response, After after, std::chrono::system_clock::time_point now,
                      Transport transport, BodyEnd body_end) {
  if (!has_sound_headers(response)) {
    response = problem(500, "the answer had a header that is none");
    body_end = BodyEnd::length;
  }
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::string out = fmt::format("HTTP/1.1 {} {}\r\ndate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n",
                                response.status, reason(response.status), utc);
  for (const Header& header : response.headers) {
    out += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  const bool has_body = response.status >= 200 && response.status != 204;
  if (has_body && body_end == BodyEnd::length) {
    out += fmt::format("content-length: {}\r\n", response.body.size());
  }
  if (body_end == BodyEnd::chunked) out += "transfer-encoding: chunked\r\n";
  out +=
      "x-content-type-options: nosniff\r\n"
      "x-frame-options: DENY\r\n"
      "referrer-policy: no-referrer\r\n";
  if (find_header(response.headers, "content-security-policy") == nullptr) {
    out += "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n";
  }
  if (find_header(response.headers, "cache-control") == nullptr) {
    out += "cache-control: no-store\r\n";
  }
  if (transport == Transport::tls) out += "strict-transport-security: max-age=31536000\r\n";
  out += after == After::keep ? "connection: keep-alive\r\n" : "connection: close\r\n";
  return out + "\r\n";
}

}  // namespace weir::http
