#include <algorithm>
#include <array>

#include "config/rule.h"

namespace weir::config {
namespace {

enum class Family { text, number, boolean, date, time, timestamp, uuid, other };

Family family_of(const DataType& type) {
  if (is_number(type.kind)) return Family::number;
  switch (type.kind) {
    case TypeKind::varchar: return Family::text;
    case TypeKind::boolean: return Family::boolean;
    case TypeKind::date: return Family::date;
    case TypeKind::time: return Family::time;
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return Family::timestamp;
    case TypeKind::uuid: return Family::uuid;
    case TypeKind::bytes:
    case TypeKind::json:
    case TypeKind::list:
    default: return Family::other;
  }
}

/// Whether `text` has the shape of `pattern`: 0 is any digit, x any hex digit, the rest itself.
bool has_shape(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    const bool hex = digit || ((c | 32) >= 'a' && (c | 32) <= 'f');
    if (pattern[i] == '0' ? !digit : pattern[i] == 'x' ? !hex : c != pattern[i]) return false;
  }
  return true;
}

bool is_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const auto digits = [&] {
    size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
    text.remove_prefix(n);
    return n;
  };
  size_t count = digits();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    count += digits();
  }
  if (count == 0) return false;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

bool is_date(std::string_view text) { return has_shape(text, "0000-00-00"); }
bool is_time(std::string_view text) {
  return has_shape(text.substr(0, 5), "00:00") &&
         (text.size() == 5 || has_shape(text.substr(5, 3), ":00"));
}
bool is_timestamp(std::string_view text) {
  if (!is_date(text.substr(0, 10))) return false;
  if (text.size() == 10) return true;
  return text.size() >= 16 && (text[10] == ' ' || text[10] == 'T') &&
         has_shape(text.substr(11, 5), "00:00");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? char(c | 32) : c;
  return out;
}

/// The operand as an SQL literal of the type; none when it is not a value of it.
std::optional<std::string> literal(const Operand& operand, const DataType& type) {
  const std::string& text = operand.text;
  const auto cast = [&](bool fits) -> std::optional<std::string> {
    if (!fits) return std::nullopt;
    return "CAST(" + sql_literal(text) + " AS " + type.to_string() + ")";
  };
  switch (family_of(type)) {
    case Family::text: return sql_literal(text);
    case Family::number:
      if (!is_number(text)) return std::nullopt;
      return text[0] == '-' ? "(" + text + ")" : text;
    case Family::boolean: {
      const std::string word = lower(text);
      if (word != "true" && word != "false") return std::nullopt;
      return word;
    }
    case Family::date: return cast(is_date(text));
    case Family::time: return cast(is_time(text));
    case Family::timestamp: return cast(is_timestamp(text));
    case Family::uuid: return cast(has_shape(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"));
    case Family::other: return std::nullopt;
  }
  return std::nullopt;
}

std::string example(const DataType& type) {
  switch (family_of(type)) {
    case Family::number: return "42";
    case Family::boolean: return "true";
    case Family::date: return "2024-12-31";
    case Family::time: return "23:59:59";
    case Family::timestamp: return "2024-12-31 23:59:59";
    case Family::uuid: return "01234567-89ab-cdef-0123-456789abcdef";
    case Family::text:
    case Family::other: break;
  }
  return "abc";
}

tl::unexpected<Error> misfit(const RuleEntry& entry, std::string message, std::string fix) {
  return fail(ErrorCode::invalid_project, std::move(message), std::move(fix), entry.location);
}

Result<std::string> in_predicate(const RuleEntry& entry, const std::string& name,
                                 const DataType& type) {
  std::string list;
  for (const Operand& operand : entry.operands) {
    const std::optional<std::string> value = literal(operand, type);
    if (!value) {
      return misfit(entry, "'" + operand.text + "' is no " + type.to_string(),
                    "values of this column look like " + example(type));
    }
    list += (list.empty() ? "" : ", ") + *value;
  }
  if (list.empty()) return misfit(entry, "'in' has no values", "write in (a, b)");
  return name + " IN (" + list + ")";
}

Result<std::string> compare_predicate(const RuleEntry& entry, const std::string& name,
                                      const DataType& type) {
  const Operand& operand = entry.operands.front();
  const std::string left = name + " " + entry.comparison + " ";
  if (const std::optional<std::string> value = literal(operand, type)) return left + *value;
  if (operand.quotes == Operand::Quotes::yes) {
    return misfit(entry, "'" + operand.text + "' is no " + type.to_string(),
                  "values of this column look like " + example(type));
  }
  return left + "(" + operand.text + ")";  // an expression, such as another column
}

/// SQL of a default. In a text column a bare word means itself.
std::string default_sql(const Operand& operand, const DataType& type) {
  static constexpr std::array<std::string_view, 9> words = {
      "null",  "current_date",   "current_time",      "current_timestamp",
      "today", "localtimestamp", "current_timestamp", "localtime",
      "now"};
  const std::string& text = operand.text;
  const bool bare = operand.quotes == Operand::Quotes::no;
  if (family_of(type) == Family::text && bare) {
    const bool expression = text.find_first_of("('") != std::string::npos ||
                            std::find(words.begin(), words.end(), lower(text)) != words.end();
    return expression ? text : sql_literal(text);
  }
  if (const std::optional<std::string> value = literal(operand, type)) return *value;
  return bare ? text : sql_literal(text);
}

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    out += c;
    if (c == quote) out += c;
  }
  return out + quote;
}

}  // namespace

std::string sql_name(std::string_view name) { return quoted(name, '"'); }
std::string sql_literal(std::string_view text) { return quoted(text, '\''); }

Result<Rule> compile_rule(const RuleEntry& entry, std::string_view column, const DataType& type) {
  Rule rule;
  rule.kind = entry.kind;
  rule.text = entry.text;
  rule.location = entry.location;
  const std::string name = sql_name(column);
  const bool comparable = family_of(type) != Family::other;
  switch (entry.kind) {
    case RuleKind::required:
    case RuleKind::key: break;
    case RuleKind::unique:
      if (type.kind == TypeKind::json || type.kind == TypeKind::list) {
        return misfit(entry, "a column of type " + type.to_string() + " cannot be unique",
                      "take a column whose values can be compared");
      }
      break;
    case RuleKind::in:
    case RuleKind::compare:
      if (!comparable) {
        return misfit(entry, "a column of type " + type.to_string() + " cannot be compared",
                      "use check with an SQL condition");
      }
      rule.predicate = WEIR_TRY(entry.kind == RuleKind::in ? in_predicate(entry, name, type)
                                                           : compare_predicate(entry, name, type));
      break;
    case RuleKind::matches:
      if (family_of(type) != Family::text) {
        return misfit(entry, "'matches' fits text, not " + type.to_string(),
                      "use check with an SQL condition");
      }
      rule.predicate =
          "regexp_full_match(" + name + ", " + sql_literal(entry.operands.front().text) + ")";
      break;
    case RuleKind::check: rule.predicate = entry.predicate; break;
    case RuleKind::references:
      rule.argument = entry.operands.front().text;
      if (entry.operands.size() > 1) rule.column = entry.operands[1].text;
      break;
    case RuleKind::default_: rule.argument = default_sql(entry.operands.front(), type); break;
  }
  return rule;
}

}  // namespace weir::config
