#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/table.h"

namespace weir::config {

/// A value inside a rule: `in (a, 'b')`.
struct Operand {
  enum class Quotes { no, yes };
  std::string text;  ///< without its quotes
  Quotes quotes = Quotes::no;
};

/// A rule as written, before it knows its column.
struct RuleEntry {
  RuleKind kind = RuleKind::required;
  std::string text;               ///< the whole rule as the user wrote it
  std::string comparison;         ///< compare: "=", "<>", "<", "<=", ">" or ">="
  std::vector<Operand> operands;  ///< in: all of them; references: the table, and the column when
                                  ///< it is named; compare, matches, default: one
  std::string predicate;          ///< check: SQL
  Location location;
};

/// A stretch of a longer text.
struct ColumnPiece {
  std::string_view text;  ///< without blanks around it
  size_t offset = 0;
};

/// Cuts `type | rule | rule` at the bars outside quotes and brackets.
/// Errors: invalid_project; location.column is the offset in `text`, from 0.
Result<std::vector<ColumnPiece>> split_column(std::string_view text);

/// Reads one rule: `required`, `key`, `unique`, `references TABLE`, `references TABLE(COLUMN)`,
/// `in (A, B)`, `matches 'RE'`, `default SQL`, `check (SQL)`, or a comparison such as `>= 0`.
/// Errors as split_column.
Result<RuleEntry> parse_rule(std::string_view text);

/// What stands behind `references`: the table, and the column when it is named. Errors as
/// split_column.
Result<std::vector<Operand>> parse_reference(std::string_view text);

/// The rule for its column, with the predicate in DuckDB's SQL. Values take the column's type: bare
/// words are text for text columns, numbers for numeric ones, dates for dates.
/// Errors: invalid_project, at the entry's location.
Result<Rule> compile_rule(const RuleEntry& entry, std::string_view column, const DataType& type);

/// A name as an SQL identifier, a text as an SQL literal.
std::string sql_name(std::string_view name);
std::string sql_literal(std::string_view text);

}  // namespace weir::config
