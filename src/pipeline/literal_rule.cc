#include "pipeline/literal_rule.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "duckdb/database.h"
#include "text/spelling.h"

namespace weir::pipeline {
namespace {

using Comparison = LiteralRule::Comparison;
using Literal = LiteralRule::Literal;

/// Numbers of so many digits compare in every engine without a loss.
constexpr size_t exact_digits = 18;
/// So many digits, and such a scale, are one correctly rounded division away from a double.
constexpr size_t double_digits = 15;

struct Sign {
  std::string_view text;
  Comparison comparison;
};
constexpr std::array signs = {
    Sign{">= ", Comparison::greater_or_equal}, Sign{"<= ", Comparison::less_or_equal},
    Sign{"<> ", Comparison::unequal},          Sign{"= ", Comparison::equal},
    Sign{"> ", Comparison::greater},           Sign{"< ", Comparison::less}};

/// Takes pieces from the front of a predicate.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool take(std::string_view piece) {
    if (!text_.starts_with(piece)) return false;
    text_.remove_prefix(piece.size());
    return true;
  }
  /// 'it''s' → it's
  std::optional<std::string> take_quoted() {
    if (!text_.starts_with('\'')) return std::nullopt;
    std::string content;
    for (size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] != '\'') {
        content += text_[i];
      } else if (i + 1 < text_.size() && text_[i + 1] == '\'') {
        content += text_[i++];
      } else {
        text_.remove_prefix(i + 1);
        return content;
      }
    }
    return std::nullopt;
  }
  /// Digits with a sign and a point, and nothing else: (-1.5), 2. Empty: there are none.
  std::string take_number() {
    const bool bracket = text_.starts_with("(-");
    const size_t begin = bracket ? 1 : 0;
    size_t end = text_.find_first_not_of("+-.0123456789", begin);
    if (end == std::string_view::npos) end = text_.size();
    std::string number(text_.substr(begin, end - begin));
    text_.remove_prefix(end);
    return bracket && !take(")") ? std::string() : number;
  }

 private:
  std::string_view text_;
};

/// Digits behind the point; more than all digits that count: it is no such number.
int scale_of(const std::string& number) {
  const size_t point = number.find('.');
  return point == std::string::npos ? 0 : static_cast<int>(number.size() - point - 1);
}

size_t digits_of(const std::string& number) {
  return static_cast<size_t>(
      std::ranges::count_if(number, [](char c) { return c >= '0' && c <= '9'; }));
}

std::optional<__int128> scaled_number(const std::string& number, int scale) {
  __int128 value = 0;
  const auto spelled = text::parse_decimal(number, 38, scale, value);
  return spelled == text::Spelling::ok ? std::optional(value) : std::nullopt;
}

bool is_exact(TypeKind kind) {
  return kind == TypeKind::tinyint || kind == TypeKind::smallint || kind == TypeKind::integer ||
         kind == TypeKind::bigint || kind == TypeKind::decimal;
}

/// The number of an exact type's or a float's literal; its scale is settled when all are read.
std::optional<std::string> read_number(Reader& reader, const DataType& type) {
  std::string number = reader.take_number();
  const size_t digits = digits_of(number);
  if (digits == 0 || digits > exact_digits || !scaled_number(number, scale_of(number))) {
    return std::nullopt;
  }
  const int scale = scale_of(number);
  // Beside an integer DuckDB takes a literal with a point for a decimal that may not hold it.
  if (type.kind != TypeKind::decimal && is_exact(type.kind) && scale > 0) return std::nullopt;
  if (type.kind == TypeKind::decimal && type.precision > static_cast<int>(exact_digits)) {
    return std::nullopt;
  }
  if (type.kind == TypeKind::real && (scale > 0 || digits > 7)) return std::nullopt;
  if (type.kind == TypeKind::double_ && digits > double_digits) return std::nullopt;
  return number;
}

std::optional<__int128> read_moment(Reader& reader, const DataType& type) {
  if (!reader.take("CAST(")) return std::nullopt;
  auto content = reader.take_quoted();
  if (!content || !reader.take(" AS " + type.to_string() + ")")) return std::nullopt;
  using text::Spelling;
  if (type.kind == TypeKind::date) {
    int32_t days = 0;
    return text::parse_date(*content, days) == Spelling::ok ? std::optional<__int128>(days)
                                                            : std::nullopt;
  }
  int64_t micros = 0;
  if (type.kind == TypeKind::time) {
    if (content->size() != 8) return std::nullopt;
    return text::parse_time(*content, micros) == Spelling::ok ? std::optional<__int128>(micros)
                                                              : std::nullopt;
  }
  if (content->size() == 10) *content += " 00:00:00";
  if (content->size() != 19) return std::nullopt;
  return text::parse_timestamp(*content, micros) == Spelling::ok ? std::optional<__int128>(micros)
                                                                 : std::nullopt;
}

/// Reads literals of one column's type, and brings numbers to one scale.
class LiteralReader {
 public:
  LiteralReader(Reader& reader, const DataType& type) : reader_(reader), type_(type) {}

  bool read() {
    Literal literal;
    switch (type_.kind) {
      case TypeKind::varchar:
        literal.text = reader_.take_quoted();
        literals_.push_back(literal);
        return literal.text.has_value();
      case TypeKind::boolean:
        if (reader_.take("true")) {
          literal.scaled = 1;
        } else if (reader_.take("false")) {
          literal.scaled = 0;
        }
        literals_.push_back(literal);
        return literal.scaled.has_value();
      case TypeKind::date:
      case TypeKind::time:
      case TypeKind::timestamp:
        literal.scaled = read_moment(reader_, type_);
        literals_.push_back(literal);
        return literal.scaled.has_value();
      case TypeKind::real:
      case TypeKind::double_:
      case TypeKind::tinyint:
      case TypeKind::smallint:
      case TypeKind::integer:
      case TypeKind::bigint:
      case TypeKind::decimal: {
        auto number = read_number(reader_, type_);
        if (number) numbers_.push_back(*std::move(number));
        return number.has_value();
      }
      default: return false;
    }
  }

  void finish(LiteralRule& rule) {
    for (const std::string& number : numbers_) rule.scale = std::max(rule.scale, scale_of(number));
    for (const std::string& number : numbers_) {
      Literal literal;
      if (is_exact(type_.kind)) {
        literal.scaled = scaled_number(number, rule.scale);
      } else {
        double value = 0;
        static_cast<void>(text::parse_double(number, value));  // its digits were looked at
        literal.approximate = value;
      }
      literals_.push_back(literal);
    }
    rule.literals = std::move(literals_);
  }

 private:
  Reader& reader_;
  const DataType& type_;
  std::vector<Literal> literals_;
  std::vector<std::string> numbers_;
};

}  // namespace

std::optional<LiteralRule> read_literal_rule(const Rule& rule, const Column& column) {
  if (rule.kind != RuleKind::compare && rule.kind != RuleKind::in) return std::nullopt;
  Reader reader(rule.predicate);
  if (!reader.take(duckdb::quote_identifier(column.name) + " ")) return std::nullopt;
  LiteralRule read;
  LiteralReader literals(reader, column.type);
  if (rule.kind == RuleKind::in) {
    if (!reader.take("IN (")) return std::nullopt;
    do {
      if (!literals.read()) return std::nullopt;
    } while (reader.take(", "));
    if (!reader.take(")")) return std::nullopt;
  } else {
    const auto sign =
        std::ranges::find_if(signs, [&](const Sign& each) { return reader.take(each.text); });
    if (sign == signs.end() || !literals.read()) return std::nullopt;
    read.comparison = sign->comparison;
  }
  if (!reader.done()) return std::nullopt;
  literals.finish(read);
  return read;
}

}  // namespace weir::pipeline
