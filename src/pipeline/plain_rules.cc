#include "pipeline/plain_rules.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "pipeline/literal_rule.h"
#include "text/spelling.h"

namespace weir::pipeline {
namespace {

using server::ColumnView;
using Check = std::function<bool(const ColumnView& column, size_t begin, size_t end)>;
using Comparison = LiteralRule::Comparison;

/// Asks `good` about each row with a value.
template <class Good>
bool all_values(const ColumnView& column, size_t begin, size_t end, const Good& good) {
  for (size_t row = begin; row < end; ++row) {
    if (!column.is_null(row) && !good(row)) return false;
  }
  return true;
}

bool has_no_null(const ColumnView& column, size_t begin, size_t end) {
  for (size_t row = begin; row < end; ++row) {
    if (column.is_null(row)) return false;
  }
  return true;
}

Check length_check(size_t most) {
  return [most](const ColumnView& column, size_t begin, size_t end) {
    return all_values(column, begin, end, [&](size_t row) {
      const std::string_view text = column.text(row);
      return text.size() <= most || text::count_code_points(text) <= most;
    });
  };
}

/// What no text of Postgres's holds (value_limits.cc).
bool has_no_nul(const ColumnView& column, size_t begin, size_t end) {
  return all_values(column, begin, end, [&](size_t row) {
    const std::string_view text = column.text(row);
    return std::memchr(text.data(), 0, text.size()) == nullptr;
  });
}

template <class Value>
bool compares(Comparison comparison, const Value& left, const Value& right) {
  switch (comparison) {
    case Comparison::equal: return left == right;
    case Comparison::unequal: return left != right;
    case Comparison::less: return left < right;
    case Comparison::less_or_equal: return left <= right;
    case Comparison::greater: return left > right;
    case Comparison::greater_or_equal: return left >= right;
  }
  return false;
}

/// `value_of(column, row)` compared with the literals, of which one must do.
template <class Value, class ValueOf>
Check literal_check(Comparison comparison, std::vector<Value> literals, ValueOf value_of) {
  return [comparison, literals = std::move(literals), value_of](const ColumnView& column,
                                                                size_t begin, size_t end) {
    return all_values(column, begin, end, [&](size_t row) {
      const auto value = value_of(column, row);
      return std::ranges::any_of(literals, [&](const Value& literal) {
        return compares(comparison, value, decltype(value)(literal));
      });
    });
  };
}

__int128 power_of_ten(int exponent) {
  __int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

/// Of a type whose values are whole numbers in memory, times `factor`.
template <class Cell>
Check whole_check(const LiteralRule& rule, int own_scale) {
  const int scale = std::max(rule.scale, own_scale);
  std::vector<__int128> literals;
  for (const auto& literal : rule.literals) {
    literals.push_back(*literal.scaled * power_of_ten(scale - rule.scale));
  }
  return literal_check(
      rule.comparison, std::move(literals),
      [factor = power_of_ten(scale - own_scale)](const ColumnView& column, size_t row) {
        return static_cast<__int128>(column.at<Cell>(row)) * factor;
      });
}

Check decimal_check(const LiteralRule& rule, const DataType& type) {
  if (type.precision <= 4) return whole_check<int16_t>(rule, type.scale);
  if (type.precision <= 9) return whole_check<int32_t>(rule, type.scale);
  return whole_check<int64_t>(rule, type.scale);
}

template <class Cell>
Check float_check(const LiteralRule& rule) {
  std::vector<double> literals;
  for (const auto& literal : rule.literals) literals.push_back(*literal.approximate);
  return literal_check(rule.comparison, std::move(literals),
                       [](const ColumnView& column, size_t row) {
                         return static_cast<double>(column.at<Cell>(row));
                       });
}

Check text_check(const LiteralRule& rule) {
  std::vector<std::string> literals;
  for (const auto& literal : rule.literals) literals.push_back(*literal.text);
  return literal_check(rule.comparison, std::move(literals),
                       [](const ColumnView& column, size_t row) { return column.text(row); });
}

Check check_of(const LiteralRule& rule, const DataType& type) {
  switch (type.kind) {
    case TypeKind::varchar: return text_check(rule);
    case TypeKind::boolean: return whole_check<uint8_t>(rule, 0);
    case TypeKind::tinyint: return whole_check<int8_t>(rule, 0);
    case TypeKind::smallint: return whole_check<int16_t>(rule, 0);
    case TypeKind::integer:
    case TypeKind::date: return whole_check<int32_t>(rule, 0);
    case TypeKind::decimal: return decimal_check(rule, type);
    case TypeKind::real: return float_check<float>(rule);
    case TypeKind::double_: return float_check<double>(rule);
    default: return whole_check<int64_t>(rule, 0);
  }
}

/// What is asked of several rows is not looked at here; a default is not where it stands in.
bool is_for_others(RuleKind kind) {
  return kind == RuleKind::required || kind == RuleKind::key || kind == RuleKind::unique ||
         kind == RuleKind::references || kind == RuleKind::default_;
}

std::optional<std::vector<Check>> checks_of(const Table& table, const Column& column,
                                            Engine engine) {
  std::vector<Check> checks;
  if (column.type.kind == TypeKind::list) return std::nullopt;
  const bool in_key = std::ranges::find(table.key, column.name) != table.key.end();
  if (column.required() || in_key) checks.emplace_back(has_no_null);
  if (column.type.kind == TypeKind::varchar) {
    if (column.type.length > 0) {
      checks.push_back(length_check(static_cast<size_t>(column.type.length)));
    }
    if (engine == Engine::postgres) checks.emplace_back(has_no_nul);
  }
  for (const Rule& rule : column.rules) {
    if (is_for_others(rule.kind)) continue;
    const auto literals = read_literal_rule(rule, column);
    if (!literals) return std::nullopt;
    checks.push_back(check_of(*literals, column.type));
  }
  return checks;
}

}  // namespace

std::optional<PlainRules> PlainRules::of(const Table& table, Engine engine) {
  // MySQL has limits of its own for values (value_limits.cc).
  if (table.lineage || engine == Engine::mysql) return std::nullopt;
  PlainRules rules;
  for (const Column& column : table.columns) {
    auto checks = checks_of(table, column, engine);
    if (!checks) return std::nullopt;
    rules.checks_.push_back(*std::move(checks));
  }
  return rules;
}

bool PlainRules::hold(std::span<const ColumnView> columns, size_t begin, size_t end) const {
  for (size_t i = 0; i < checks_.size(); ++i) {
    for (const Check& check : checks_[i]) {
      if (!check(columns[i], begin, end)) return false;
    }
  }
  return true;
}

}  // namespace weir::pipeline
