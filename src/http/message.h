#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

struct Header {
  std::string name;  ///< of a request: in lower case
  std::string value;
};

/// The value of the first header of that (lower case) name; null when there is none.
const std::string* find_header(const std::vector<Header>& headers, std::string_view name);

/// A request up to its body.
struct RequestHead {
  std::string method;  ///< as sent: "GET"
  std::string path;    ///< begins with '/'; as sent, percent signs and all
  std::string query;   ///< what is behind '?', as sent
  std::vector<Header> headers;
  bool keep_alive = true;
  bool expects_continue = false;
  bool http_1_1 = true;  ///< false: HTTP/1.0, which knows no chunks
};

/// Whether its Host, without port and in any case of letters, is one of these (lower case) names.
bool is_called(const RequestHead& head, const std::vector<std::string>& names);

struct Request {
  RequestHead head;
  std::string body;
  std::string peer;  ///< the client's address: "127.0.0.1"
};

/// The server adds content-length, date, connection and its security headers.
struct Response {
  int status = 200;
  std::vector<Header> headers = {};
  std::string body = {};
  /// Why it is no other answer, in one word of a fixed set, for who counts answers; not sent.
  std::string_view why = {};
};

/// "Not Found" for 404; "Status" for a number that has no name here.
std::string_view reason(int status);

/// An error as application/problem+json (RFC 9457): {"type": "about:blank", "title": the status'
/// name, "status", "detail"}.
Response problem(int status, std::string_view detail);

}  // namespace weir::http
