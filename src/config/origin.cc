#include "config/origin.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace weir::config {
namespace {

struct Parts {
  std::string scheme, host, port;
  std::string rest;  ///< behind them: a path, say

  std::string spelled() const { return scheme + "://" + host + (port.empty() ? "" : ":" + port); }
};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  return out;
}

/// "https://host:443/x" in its parts, of which none is checked yet; the scheme and host in lower
/// case, a port that the scheme has anyway left out.
Parts take_apart(std::string_view text) {
  Parts parts;
  const size_t scheme = std::min(text.find("://"), text.size());
  parts.scheme = lower_case(text.substr(0, scheme));
  text.remove_prefix(std::min(scheme + 3, text.size()));
  const size_t end = std::min(text.find_first_of("/?#"), text.size());
  parts.rest = text.substr(end);
  text = text.substr(0, end);
  const size_t bracket = text.find(']');
  const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  parts.host = lower_case(text.substr(0, colon));
  if (colon != std::string_view::npos) parts.port = text.substr(colon + 1);
  const bool usual = (parts.scheme == "https" && parts.port == "443") ||
                     (parts.scheme == "http" && parts.port == "80");
  if (usual) parts.port.clear();
  return parts;
}

bool is_host(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed) {
    return host.find_first_not_of("0123456789abcdef:.", 1) == host.size() - 1;
  }
  return !host.empty() && !host.starts_with('.') &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") ==
             std::string_view::npos;
}

bool is_port(std::string_view port) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return port.empty() || (error == std::errc() && end == port.data() + port.size() && number > 0 &&
                          number <= 65'535 && !port.starts_with('0'));
}

}  // namespace

Result<void> check_origin(std::string_view text) {
  const std::string quoted = "'" + std::string(text) + "'";
  const Parts parts = take_apart(text);
  const bool sound = (parts.scheme == "https" || parts.scheme == "http") && is_host(parts.host) &&
                     is_port(parts.port);
  if (!sound) {
    const bool pattern = text.find('*') != std::string_view::npos;
    return fail(ErrorCode::invalid_input,
                quoted + (pattern ? " is a pattern, and an origin is compared as a whole"
                                  : " is no origin"),
                pattern ? "name each origin, or write \"*\" alone for all"
                        : "write scheme, host and port, e.g. https://app.example.org");
  }
  if (parts.spelled() != text) {
    return fail(ErrorCode::invalid_input, quoted + " is not how browsers send that origin",
                "write " + parts.spelled());
  }
  return {};
}

}  // namespace weir::config
