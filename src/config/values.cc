#include "config/values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace weir::config {
namespace {

using text::Json;

/// A plain value may also come from the environment, whatever its type.
Json or_variable(Json schema) {
  const Json variable = Json::object().set("type", "string").set("pattern", "\\$\\{env:[^}]+\\}");
  return Json::object().set("anyOf", Json::array().push(std::move(schema)).push(variable));
}

Outline plain_outline(std::string type, Json schema) {
  Outline out;
  out.type = std::move(type);
  out.schema = std::move(schema);
  return out;
}

/// A value read from a scalar's text. `parse` answers none for a text it does not take.
template <class X>
Value<Located<X>> scalar_value(Outline outline,
                               std::function<std::optional<X>(std::string_view)> parse) {
  Value<Located<X>> out;
  out.read = [type = outline.type, parse = std::move(parse)](
                 const YamlNode& node, Reader& reader) -> std::optional<Located<X>> {
    const std::optional<std::string> text = reader.text(node, type);
    if (!text) return std::nullopt;
    if (std::optional<X> value = parse(*text)) return Located<X>{*std::move(value), node.location};
    reader.wrong(node, type);
    return std::nullopt;
  };
  out.outline = std::move(outline);
  return out;
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array size_units = {Unit{"TiB", uint64_t(1) << 40},
                                   Unit{"TB", 1'000'000'000'000},
                                   Unit{"GiB", 1 << 30},
                                   Unit{"GB", 1'000'000'000},
                                   Unit{"MiB", 1 << 20},
                                   Unit{"MB", 1'000'000},
                                   Unit{"KiB", 1 << 10},
                                   Unit{"kB", 1'000},
                                   Unit{"KB", 1'000},
                                   Unit{"B", 1},
                                   Unit{"", 1}};
constexpr std::array duration_units = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000},
                                       Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1}};

/// "1.5GB" → 1500000000. None when it does not fit 63 bits or has no known unit.
template <size_t N>
std::optional<uint64_t> parse_quantity(std::string_view text, const std::array<Unit, N>& units) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string_view rest = text.substr(size_t(end - text.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  for (const Unit& unit : units) {
    if (rest != unit.name) continue;
    const double value = number * double(unit.factor);
    if (value >= 9e18) return std::nullopt;
    return uint64_t(std::llround(value));
  }
  return std::nullopt;
}

/// The largest unit that divides the value: "1GiB", "512MB", "2s".
template <size_t N>
std::string show_quantity(uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(value);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace

Value<Located<std::string>> text_value(std::string type) {
  Outline outline = plain_outline(std::move(type), Json::object().set("type", "string"));
  auto out = scalar_value<std::string>(
      std::move(outline), [](std::string_view text) { return std::optional<std::string>(text); });
  out.show = [](const Located<std::string>& value) {
    return value.value.empty() ? Json() : Json(value.value);
  };
  return out;
}

Value<Located<std::string>> secret_text_value(std::string type) {
  Value<Located<std::string>> out = text_value(type);
  out.read = [type = std::move(type)](const YamlNode& node,
                                      Reader& reader) -> std::optional<Located<std::string>> {
    std::optional<std::string> text = reader.text(node, type, Secrets::allowed);
    if (!text) return std::nullopt;
    return Located<std::string>{*std::move(text), node.location};
  };
  return out;
}

Value<Located<bool>> boolean_value() {
  Outline outline =
      plain_outline("true or false", or_variable(Json::object().set("type", "boolean")));
  auto out = scalar_value<bool>(std::move(outline), [](std::string_view text) {
    if (text == "true" || text == "True" || text == "TRUE") return std::optional<bool>(true);
    if (text == "false" || text == "False" || text == "FALSE") return std::optional<bool>(false);
    return std::optional<bool>();
  });
  out.show = [](const Located<bool>& value) { return Json(value.value); };
  return out;
}

Value<Located<int64_t>> integer_value(int64_t least, int64_t most) {
  std::string type = "a whole number";
  Json schema = Json::object().set("type", "integer").set("minimum", least);
  if (most == std::numeric_limits<int64_t>::max()) {
    type += " from " + std::to_string(least);
  } else {
    type += " from " + std::to_string(least) + " to " + std::to_string(most);
    schema.set("maximum", most);
  }
  Outline outline = plain_outline(std::move(type), or_variable(std::move(schema)));
  auto out = scalar_value<int64_t>(
      std::move(outline), [least, most](std::string_view text) -> std::optional<int64_t> {
        int64_t number = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, number);
        if (error != std::errc() || stop != end || number < least || number > most) return {};
        return number;
      });
  out.show = [](const Located<int64_t>& value) { return Json(value.value); };
  return out;
}

Value<Located<uint64_t>> size_value(uint64_t least, uint64_t most) {
  std::string type = "a size such as 512MB or 1GiB";
  if (least > 0) type += ", at least " + show_quantity(least, size_units);
  if (most > 0) type += ", at most " + show_quantity(most, size_units);
  const Json schema = Json::object().set(
      "anyOf",
      Json::array()
          .push(Json::object().set("type", "integer").set("minimum", least))
          .push(Json::object()
                    .set("type", "string")
                    .set("pattern", "^[0-9]+(\\.[0-9]+)? ?([KMGT]i?B|kB|B)?$|\\$\\{env:[^}]+\\}")));
  auto out = scalar_value<uint64_t>(plain_outline(std::move(type), schema),
                                    [least, most](std::string_view text) {
                                      auto size = parse_quantity(text, size_units);
                                      if (size && (*size < least || (most > 0 && *size > most))) {
                                        size.reset();
                                      }
                                      return size;
                                    });
  out.show = [](const Located<uint64_t>& value) {
    return Json(show_quantity(value.value, size_units));
  };
  return out;
}

Value<Located<int64_t>> duration_value(int64_t least_ms, int64_t most_ms) {
  std::string type = "a duration such as 500ms, 2s, 5m or 24h";
  if (least_ms > 0) type += ", at least " + show_quantity(uint64_t(least_ms), duration_units);
  type += ", at most " + show_quantity(uint64_t(most_ms), duration_units);
  const Json schema = Json::object()
                          .set("type", "string")
                          .set("pattern", "^[0-9]+(\\.[0-9]+)? ?(ms|s|m|h|d)$|\\$\\{env:[^}]+\\}");
  auto out = scalar_value<int64_t>(
      plain_outline(std::move(type), schema),
      [least_ms, most_ms](std::string_view text) -> std::optional<int64_t> {
        const std::optional<uint64_t> value = parse_quantity(text, duration_units);
        if (!value || int64_t(*value) < least_ms || int64_t(*value) > most_ms) return {};
        return int64_t(*value);
      });
  out.show = [](const Located<int64_t>& value) {
    return Json(show_quantity(uint64_t(value.value), duration_units));
  };
  return out;
}

Value<Located<double>> ratio_value() {
  const Json schema = Json::object().set(
      "anyOf", Json::array()
                   .push(Json::object().set("type", "number").set("minimum", 0).set("maximum", 1))
                   .push(Json::object()
                             .set("type", "string")
                             .set("pattern", "^[0-9]+(\\.[0-9]+)?%$|\\$\\{env:[^}]+\\}")));
  return scalar_value<double>(plain_outline("a share such as 5% or 0.05", schema),
                              [](std::string_view text) -> std::optional<double> {
                                const bool percent = text.ends_with('%');
                                if (percent) text.remove_suffix(1);
                                double number = 0;
                                const char* end = text.data() + text.size();
                                const auto [stop, error] =
                                    std::from_chars(text.data(), end, number);
                                if (error != std::errc() || stop != end) return {};
                                if (percent) number /= 100;
                                if (!(number >= 0 && number <= 1)) return {};
                                return number;
                              });
}

Value<Located<char>> character_value(AllowNone none) {
  const bool may_be_none = none == AllowNone::yes;
  Outline outline = plain_outline(may_be_none ? "one character, or none" : "one character, or tab",
                                  Json::object().set("type", "string"));
  auto out = scalar_value<char>(
      std::move(outline), [may_be_none](std::string_view text) -> std::optional<char> {
        if (text == "none" && may_be_none) return '\0';
        if (text == "tab" || text == "\\t") return '\t';
        if (text.size() != 1 || text[0] == '\n' || static_cast<signed char>(text[0]) <= 0)
          return {};
        return text[0];
      });
  out.show = [](const Located<char>& value) {
    if (value.value == '\0') return Json("none");
    return value.value == '\t' ? Json("tab") : Json(std::string(1, value.value));
  };
  return out;
}

Value<Located<DataType>> data_type_value() {
  Value<Located<DataType>> out;
  out.outline = plain_outline("a type such as bigint, decimal(10,2), varchar(255) or json[]",
                              Json::object().set("type", "string"));
  out.read = [type = out.outline.type](const YamlNode& node,
                                       Reader& reader) -> std::optional<Located<DataType>> {
    const std::optional<std::string> text = reader.text(node, type);
    if (!text) return std::nullopt;
    if (text->find('|') != std::string::npos) {
      reader.error(node.location, reader.subject() + " takes a type alone, without rules",
                   "rules belong to a column under tables:, as in bigint | required");
      return std::nullopt;
    }
    Result<DataType> parsed = parse_data_type(*text);
    if (parsed) return Located<DataType>{*std::move(parsed), node.location};
    // The parser's words hold the text; a variable's value must not be printed.
    if (*text == node.scalar) {
      reader.error(node.location, parsed.error().message + " (" + reader.subject() + ")",
                   parsed.error().fix);
    } else {
      reader.wrong(node, type);
    }
    return std::nullopt;
  };
  return out;
}

SqlText sql_text(const YamlNode& node, std::string text) {
  SqlText out;
  out.exact = node.exact && text == node.scalar;
  out.location = node.text_location;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  out.text = std::move(text);
  return out;
}

Value<SqlText> sql_value(std::string type) {
  Value<SqlText> out;
  // `1` and `true` are SQL too, but YAML makes them a number and a boolean.
  const Json types = Json::array().push("string").push("number").push("boolean").push("null");
  out.outline = plain_outline(std::move(type), Json::object().set("type", types));
  out.read = [type = out.outline.type](const YamlNode& node,
                                       Reader& reader) -> std::optional<SqlText> {
    if (node.kind == YamlKind::null && !node.scalar.empty()) {
      return SqlText{"NULL", node.location, false};
    }
    std::optional<std::string> text = reader.text(node, type);
    if (!text) return std::nullopt;
    SqlText sql = sql_text(node, *std::move(text));
    if (sql.text.find_first_not_of(" \t\n") == std::string::npos) {
      reader.wrong(node, type);
      return std::nullopt;
    }
    return sql;
  };
  return out;
}

Value<Later> later_value(std::string type) {
  Value<Later> out;
  out.outline = plain_outline(std::move(type), Json::object());
  out.read = [](const YamlNode& node, Reader& reader) -> std::optional<Later> {
    return Later{reader.place(node), node};
  };
  return out;
}

Outline choice_outline(const std::vector<std::string>& words) {
  Json values = Json::array();
  for (const std::string& word : words) values.push(word);
  return plain_outline(joined(words), or_variable(Json::object().set("enum", values)));
}

}  // namespace weir::config
