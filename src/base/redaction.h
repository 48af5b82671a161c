#pragma once

#include <string>
#include <string_view>

namespace weir {

/// What stands in a text where a secret was.
inline constexpr std::string_view redacted_mark = "[secret]";

/// Values shorter than this are not redacted: they would be found in every other word.
inline constexpr size_t shortest_redacted_bytes = 4;

/// From now on redact() finds this value. It stays known until the process ends. Of a value of
/// several lines (a PEM key), each long line is found alone, too. Thread-safe.
void keep_secret(std::string_view value);

/// `text` with each kept value replaced by redacted_mark, however it is spelled: as it is; with any
/// of its characters escaped as in URLs, JSON, SQL or HTML; in hexadecimal; in Base64 of either
/// alphabet, also inside a longer encoded text ("user:password"). Costs nothing while no secret is
/// kept. Thread-safe.
///
/// For what people and programs read as text: messages, single values. Structured output is
/// redacted value by value before it is encoded, so that its own words stay whole.
std::string redact(std::string text);

/// Whether redact() would change the text.
bool holds_secret(std::string_view text);

}  // namespace weir
