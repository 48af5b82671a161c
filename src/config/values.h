#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/bind.h"
#include "model/data_type.h"
#include "model/pipeline.h"

namespace weir::config {

/// The plain values of weir.yaml: what they look like, how they are read and shown.

Value<Located<std::string>> text_value(std::string type);
/// The same for a text that may say `${secret:name}`: whoever uses it fills it in
/// (secrets/secret_store.h).
Value<Located<std::string>> secret_text_value(std::string type);
Value<Located<bool>> boolean_value();
Value<Located<int64_t>> integer_value(int64_t least, int64_t most);
/// "512MB", "1GiB", "2kB", plain bytes; powers of 1000 and, with an i, of 1024.
Value<Located<uint64_t>> size_value(uint64_t least, uint64_t most);
/// "250ms", "2s", "5m", "24h", "7d", in milliseconds.
Value<Located<int64_t>> duration_value(int64_t least_ms, int64_t most_ms);
/// "5%" or 0.05.
Value<Located<double>> ratio_value();
/// One ASCII character; also "tab" and, where `none` is allowed, "none" (then '\0').
enum class AllowNone { no, yes };
Value<Located<char>> character_value(AllowNone none);
Value<Located<DataType>> data_type_value();
/// SQL text with its exact place. A written `null` is the SQL value NULL.
Value<SqlText> sql_value(std::string type);

/// Something of a later version, kept as it is.
struct Later {
  Location location;
  YamlNode node;
};
Value<Later> later_value(std::string type);

/// The scalar's text with the place SQL errors are counted from.
SqlText sql_text(const YamlNode& node, std::string text);

Outline choice_outline(const std::vector<std::string>& words);

/// One of a few words.
template <class E>
Value<Located<E>> choice_value(std::vector<std::pair<std::string, E>> choices) {
  std::vector<std::string> words;
  for (const auto& choice : choices) words.push_back(choice.first);
  Value<Located<E>> out;
  out.outline = choice_outline(words);
  out.show = [choices](const Located<E>& value) {
    for (const auto& [word, each] : choices) {
      if (each == value.value) return text::Json(word);
    }
    return text::Json();
  };
  out.read = [choices, words, type = out.outline.type](
                 const YamlNode& node, Reader& reader) -> std::optional<Located<E>> {
    const std::optional<std::string> text = reader.text(node, type);
    if (!text) return std::nullopt;
    for (const auto& [word, each] : choices) {
      if (word == *text) return Located<E>{each, node.location};
    }
    reader.wrong(node, type, near_miss(*text, words));
    return std::nullopt;
  };
  return out;
}

}  // namespace weir::config
