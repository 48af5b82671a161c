#include "text/url.h"

#include <algorithm>
#include <charconv>

#include "model/network_rule.h"

namespace weir::text {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  return out;
}

auto no_url(const std::string& why,
            const std::string& fix = "write http://HOST/… or https://HOST/…") {
  return fail(ErrorCode::invalid_input, "the URL " + why, fix);
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

Result<void> take_port(std::string_view digits, Url& url) {
  if (digits.empty()) return {};  // "http://host:/" is the scheme's own port
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool plain = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (!plain || error != std::errc() || end != digits.data() + digits.size() || port < 1 ||
      port > 65535) {
    return no_url("has no port from 1 to 65535 behind its host");
  }
  url.port = port;
  return {};
}

Result<void> take_host(std::string_view text, Url& url) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return no_url("has a '[' without its ']'");
    url.host = lower(text.substr(1, end - 1));
    if (url.host.find(':') == std::string::npos || !parse_ip_address(url.host)) {
      return no_url("has no IPv6 address between its brackets");
    }
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return no_url("goes on behind its host's ']'");
    return take_port(rest.empty() ? rest : rest.substr(1), url);
  }
  const size_t colon = text.find(':');
  url.host = lower(text.substr(0, colon));
  if (url.host.empty()) return no_url("has no host");
  if (url.host.size() > 253 || !std::ranges::all_of(url.host, is_host_byte)) {
    return no_url("has a host with other characters than letters, digits, '-', '.' and '_'",
                  "write international names in their ASCII form (xn--…)");
  }
  return take_port(colon == std::string_view::npos ? "" : text.substr(colon + 1), url);
}

}  // namespace

std::string Url::origin() const {
  const bool six = host.find(':') != std::string::npos;
  const bool usual = port == (scheme == "https" ? 443 : 80);
  return scheme + "://" + (six ? "[" + host + "]" : host) +
         (usual ? std::string() : ":" + std::to_string(port));
}

std::string Url::shown() const {
  std::string out = origin() + path;
  if (query.empty()) return out;
  out += '?';
  // Names stay, values go. What has no '=' may itself be a token.
  for (size_t at = 0; at <= query.size();) {
    const size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = std::string_view(query).substr(at, end - at);
    const size_t equals = pair.find('=');
    if (at > 0) out += '&';
    if (equals != std::string_view::npos) out += std::string(pair.substr(0, equals)) + "=";
    out += "…";
    at = end + 1;
  }
  return out;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > 8192) return no_url("is longer than 8192 bytes");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '\\') {
      return no_url("holds a blank, a control character or a backslash",
                    "write it percent-encoded, e.g. %20");
    }
  }
  Url url;
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) return no_url("is not an absolute one");
  url.scheme = lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") {
    return no_url("is neither an http:// nor an https:// one");
  }
  url.port = url.scheme == "https" ? 443 : 80;
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  rest.remove_prefix(authority_end);
  if (const size_t at = authority.find('@'); at != std::string_view::npos) {
    if (authority.find('@', at + 1) != std::string_view::npos) {
      return no_url("has two '@' before its path", "write the one in the password as %40");
    }
    url.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  WEIR_TRY(take_host(authority, url));
  const size_t question = std::min(rest.find('?'), rest.size());
  url.path = rest.substr(0, question);
  if (question < rest.size()) url.query = rest.substr(question + 1);
  return url;
}

std::string shown_url(std::string_view text) {
  const auto url = parse_url(text);
  return url ? url->shown() : "a URL";
}

}  // namespace weir::text
