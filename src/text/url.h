#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::text {

/// An absolute http:// or https:// URL, in its parts as they were written.
struct Url {
  std::string scheme;     ///< "http" or "https"
  std::string user_info;  ///< "name:password"; empty = none. Never print
  std::string host;       ///< lower case; an IPv6 address without its brackets
  int port = 0;           ///< 80 or 443 where none is written
  std::string path;       ///< from '/' on, or empty
  std::string query;      ///< without '?'; never print its values

  /// "https://example.org:8443": what decides who a request's credentials are for.
  std::string origin() const;
  /// For people and logs: without user info, the values of the query and the fragment.
  std::string shown() const;
};

/// Strict, so that no two readers of one URL can disagree about its host: no blanks, control
/// characters or backslashes, no '%' or non-ASCII in the host. Errors: invalid_input, which does
/// not quote the URL.
Result<Url> parse_url(std::string_view text);

/// Any text as `Url::shown` would show it; "a URL" when it cannot be parsed.
std::string shown_url(std::string_view text);

}  // namespace weir::text
