#include "server/url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace weir::server {
namespace {

tl::unexpected<Error> wrong(std::string message, std::string fix) {
  return fail(ErrorCode::invalid_project, std::move(message), std::move(fix));
}

/// The end of the `${…}` that begins at `at`; `at` when none does.
size_t end_of_reference(std::string_view text, size_t at) {
  if (!text.substr(at).starts_with("${")) return at;
  const size_t end = text.find('}', at);
  return end == std::string_view::npos ? at : end + 1;
}

/// Where one of `marks` stands, outside of references.
size_t find_mark(std::string_view text, std::string_view marks) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = end_of_reference(text, at);
    if (end == at && marks.find(text[at]) != std::string_view::npos) return at;
    at = std::max(end, at + 1);
  }
  return std::string_view::npos;
}

size_t find_last_mark(std::string_view text, char mark) {
  size_t found = std::string_view::npos;
  for (size_t from = 0; from < text.size();) {
    const size_t at = find_mark(text.substr(from), {&mark, 1});
    if (at == std::string_view::npos) break;
    found = from + at;
    from = found + 1;
  }
  return found;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = end_of_reference(text, at);
    if (end > at) {
      out += text.substr(at, end - at);
      at = end;
    } else if (text[at] != '%') {
      out += text[at++];
    } else {
      unsigned byte = 0;
      const std::string_view digits = text.substr(at + 1, 2);
      const auto [stop, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() != 2 || stop != digits.data() + 2 || byte == 0) return std::nullopt;
      out += static_cast<char>(byte);
      at += 3;
    }
  }
  return out;
}

Result<std::string> part(std::string_view text, const std::string& what) {
  auto out = decoded(text);
  if (out) return *std::move(out);
  return wrong("a '%' in the " + what + " of the URL is not followed by two hexadecimal digits",
               "write %25 for a percent sign itself");
}

template <typename Number>
std::optional<Number> number(std::string_view text, Number least, Number most) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < least || value > most) return std::nullopt;
  return value;
}

Result<void> set_tls(const std::string& value, Options& options) {
  using Tls = Options::Tls;
  static constexpr std::array<std::pair<std::string_view, Tls>, 5> modes = {{
      {"disable", Tls::disable},
      {"prefer", Tls::prefer},
      {"require", Tls::require},
      {"verify-ca", Tls::verify_ca},
      {"verify-full", Tls::verify_full},
  }};
  for (const auto& [name, mode] : modes) {
    if (name != value) continue;
    options.tls = mode;
    return {};
  }
  return wrong("the sslmode of the URL is not known",
               "write disable, prefer, require, verify-ca or verify-full");
}

Result<void> set_seconds(const std::string& name, const std::string& value,
                         std::chrono::milliseconds& setting) {
  const auto seconds = number<int>(value, 1, 86'400);
  if (!seconds)
    return wrong("the " + name + " of the URL is no number of seconds from 1 to 86400", "");
  setting = std::chrono::seconds(*seconds);
  return {};
}

Result<void> set_parameter(const std::string& name, std::string value, Options& options) {
  if (name == "sslmode") return set_tls(value, options);
  if (name == "connect_timeout") return set_seconds(name, value, options.connect_timeout);
  if (name == "silence") return set_seconds(name, value, options.silence);
  if (name == "answer_timeout") return set_seconds(name, value, options.answer_timeout);
  const std::pair<std::string_view, std::string*> texts[] = {
      {"host", &options.host},
      {"sslrootcert", &options.ca_file},
      {"sslcert", &options.certificate_file},
      {"sslkey", &options.key_file},
  };
  for (const auto& [known, text] : texts) {
    if (known != name) continue;
    *text = std::move(value);
    return {};
  }
  // A wrongly escaped password could stand here: the name is not repeated.
  return wrong(
      "the URL has a parameter that is not known",
      "known are host, sslmode, sslrootcert, sslcert, sslkey, connect_timeout, silence and "
      "answer_timeout; escape '?' in a password as %3F");
}

Result<void> read_parameters(std::string_view text, Options& options) {
  while (!text.empty()) {
    const size_t end = find_mark(text, "&");
    const std::string_view one = text.substr(0, end);
    const size_t equals = find_mark(one, "=");
    if (equals == std::string_view::npos) {
      return wrong("behind its '?' the URL has something else than name=value", "");
    }
    const std::string name = WEIR_TRY(part(one.substr(0, equals), "parameters"));
    WEIR_TRY(set_parameter(name, WEIR_TRY(part(one.substr(equals + 1), "parameters")), options));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return {};
}

Result<void> read_user(std::string_view text, Options& options) {
  const size_t colon = find_mark(text, ":");
  options.user = WEIR_TRY(part(text.substr(0, colon), "user"));
  if (colon != std::string_view::npos) {
    options.password = WEIR_TRY(part(text.substr(colon + 1), "password"));
  }
  return {};
}

Result<void> read_host(std::string_view text, Options& options) {
  size_t end = find_mark(text, ":");
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return wrong("the address of the URL has no ']'", "");
    options.host = text.substr(1, close - 1);
    end = close + 1 == text.size() ? std::string_view::npos : close + 1;
  } else {
    options.host = WEIR_TRY(part(text.substr(0, end), "host"));
  }
  if (end == std::string_view::npos) return {};
  const auto port = number<uint16_t>(text.substr(end + 1), 1, 65535);
  if (text[end] != ':' || !port) {
    return wrong("the port of the URL is no number from 1 to 65535",
                 "escape ':', '@' and '/' in a password as %3A, %40 and %2F");
  }
  options.port = *port;
  return {};
}

}  // namespace

Result<Options> parse_url(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return wrong("the URL has no '://'", "");
  std::string_view rest = url.substr(scheme + 3);
  Options options;
  std::string_view parameters;
  if (const size_t mark = find_mark(rest, "?"); mark != std::string_view::npos) {
    parameters = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  const size_t slash = find_mark(rest, "/");
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) {
    options.database = WEIR_TRY(part(rest.substr(slash + 1), "database"));
  }
  if (const size_t at = find_last_mark(authority, '@'); at != std::string_view::npos) {
    WEIR_TRY(read_user(authority.substr(0, at), options));
    authority = authority.substr(at + 1);
  }
  WEIR_TRY(read_host(authority, options));
  WEIR_TRY(read_parameters(parameters, options));
  if (options.host.empty())
    return wrong("the URL names no host", "write SCHEME://USER@HOST/DATABASE");
  if (options.database.empty()) {
    return wrong("the URL names no database", "write SCHEME://USER@HOST/DATABASE");
  }
  if (options.database.find('/') != std::string::npos && slash != std::string_view::npos &&
      rest.find('@', slash) != std::string_view::npos) {
    return wrong("the URL has an '@' behind its first '/'",
                 "escape ':', '@' and '/' in a password as %3A, %40 and %2F");
  }
  return options;
}

Result<Options> with_secrets(
    Options options, const std::function<Result<std::string>(std::string_view text)>& fill_in) {
  for (std::string* text : {&options.host, &options.user, &options.password, &options.database,
                            &options.ca_file, &options.certificate_file, &options.key_file}) {
    if (text->find("${") == std::string::npos) continue;
    *text = WEIR_TRY(fill_in(*text));
  }
  return options;
}

}  // namespace weir::server
