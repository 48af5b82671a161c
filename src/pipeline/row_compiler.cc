#include "pipeline/row_compiler.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/length_only.h"
#include "pipeline/run_variables.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

const std::string fragment_prefix = "SELECT weir_row, (";

bool is_default_flag(const std::string& name) { return name.starts_with("weir_default_"); }

}  // namespace

Result<void> RowCompiler::begin() {
  columns_ = WEIR_TRY(connection_.describe("SELECT * FROM (" + level_ + ")"));
  const auto own = std::find_if(columns_.begin(), columns_.end(),
                                [](const auto& column) { return column.name == "weir_row"; });
  if (own != columns_.end()) columns_.erase(own);
  if (!count_rows_) {  // the scan's own columns
    for (const auto& column : columns_) {
      if (is_default_flag(column.name)) carry(column.name);
    }
    std::erase_if(columns_, [](const auto& column) { return is_default_flag(column.name); });
  }
  for (const auto& column : columns_) {
    if (is_reserved_name(column.name)) {
      return fail(ErrorCode::sql,
                  "the query gives a column '" + column.name +
                      "', and names that begin with weir_ are weir's own",
                  "give it another name");
    }
  }
  return {};
}

/// As DuckDB finds a column: upper and lower case are one.
const duckdb::ResultColumn* RowCompiler::find(const std::string& name) const {
  const auto at = std::find_if(columns_.begin(), columns_.end(),
                               [&](const auto& column) { return same_name(column.name, name); });
  return at == columns_.end() ? nullptr : &*at;
}

int RowCompiler::add_rule(std::string field, std::string rule, std::string message) {
  rules_.push_back({std::move(field), std::move(rule), std::move(message)});
  return first_rule_ + static_cast<int>(rules_.size()) - 1;
}

std::string RowCompiler::reject(int rule, const std::string& value) const {
  return fmt::format("weir_reject({}::BIGINT, weir_row, {}::INTEGER, {})", slot_, rule, value);
}

/// TRY gives NULL for a row on which the expression fails; the struct around it keeps that apart
/// from an expression that is NULL. Some expressions (volatile ones, subqueries) cannot stand in a
/// TRY; their errors fail the run.
std::string RowCompiler::wrapped(const std::string& expression) {
  const std::string tried = fmt::format("TRY({{'v': ({}\n)}})", expression);
  if (connection_.describe(fmt::format("SELECT {} FROM ({})", tried, level_))) return tried;
  return fmt::format("{{'v': ({}\n)}}", expression);
}

/// Why an expression cannot make one value of one row, if it cannot.
std::optional<Error> RowCompiler::refusal(const std::string& written, const std::string& expression,
                                          bool predicate) {
  if (auto error = check_fragment(written)) return error;
  // weir_row beside it: an aggregate would fold rows, and does not bind.
  const auto columns =
      connection_.describe(fragment_prefix + expression + "\n) FROM (" + level_ + ")");
  if (!columns) {
    if (columns.error().message.find(" must appear in the GROUP BY") == std::string::npos) {
      return columns.error();
    }
    return Error{ErrorCode::sql,
                 "an aggregate folds rows, and this step works on each row by itself",
                 "use a sql step for aggregates"};
  }
  if (columns->size() != 2) {
    return Error{ErrorCode::sql, "this is not one expression", "write one per column"};
  }
  // A WHERE takes neither windows nor unnest: what looks at other rows or makes more of them.
  const auto alone = connection_.describe("SELECT weir_row FROM (" + level_ + ") WHERE ((" +
                                          expression + "\n)) IS NULL");
  if (!alone) {
    const bool window = alone.error().message.find("window") != std::string::npos;
    return Error{ErrorCode::sql,
                 window ? "a window function looks at other rows, and this step works on each row "
                          "by itself"
                        : "this does not give one value for one row",
                 "use a sql step for that"};
  }
  if (predicate && columns->back().type != "BOOLEAN") {
    return Error{ErrorCode::sql, "a predicate must be BOOLEAN, and this is " + columns->back().type,
                 "compare it with something"};
  }
  return std::nullopt;
}

/// Whether an expression of the user binds to the columns so far, as a value of one row. False: the
/// problem has been noted.
Result<bool> RowCompiler::binds(const SqlText& text, const std::string& expression,
                                bool predicate) {
  auto error = refusal(text.text, expression, predicate);
  if (!error) return true;
  if (problems_ == nullptr) return fail(*std::move(error));
  const int prefix = static_cast<int>(std::string("DESCRIBE ").size() + fragment_prefix.size());
  problems_->push_back({&text, "", *std::move(error), prefix});
  return false;
}

/// What to show for a failed expression: the columns it names, in their order.
std::string RowCompiler::value_of(const std::string& expression) const {
  std::string text;
  for (const auto& column : columns_) {
    const auto word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    };
    for (size_t at = expression.find(column.name); at != std::string::npos;
         at = expression.find(column.name, at + 1)) {
      const size_t end = at + column.name.size();
      if ((at > 0 && word(expression[at - 1])) ||
          (end < expression.size() && word(expression[end])))
        continue;
      // Of such a list the scan has kept no elements.
      const bool list = column.type.ends_with("]") && names_length_only(expression, column.name);
      const std::string name = quote_identifier(column.name);
      text += text.empty() ? "" : ", ";
      text += list ? "len(" + name + ") || ' elements'" : "CAST(" + name + " AS VARCHAR)";
      break;
    }
  }
  if (text.empty()) return "NULL";
  return fmt::format("left(concat_ws(', ', {}), 200)", text);
}

Result<void> RowCompiler::select(const SelectStep& step) {
  std::string tries;    // first level: the expressions
  std::string outputs;  // second level: their values and flags
  std::string flags, flagged;
  std::string new_carried;
  for (const SelectItem& item : step.items) {
    std::string expression = stand_in_run_variables(item.expression.text);
    const std::string name = quote_identifier(item.name);
    if (find(expression) != nullptr) {
      outputs += fmt::format(", {} AS {}", quote_identifier(expression), name);
      continue;
    }
    if (!WEIR_TRY(binds(item.expression, expression, false))) expression = "NULL";
    const int id = ++serial_;
    const int rule = add_rule(item.name, "select",
                              "'{}' makes the expression " + item.expression.text + " fail");
    tries += fmt::format(", {} AS weir_t{}", wrapped(expression), id);
    outputs += fmt::format(", weir_t{}.v AS {}", id, name);
    outputs += fmt::format(", weir_t{0} IS NULL AS weir_e{0}", id);
    outputs += fmt::format(", CASE WHEN weir_t{0} IS NULL THEN {1} END AS weir_v{0}", id,
                           value_of(expression));
    new_carried += fmt::format(", weir_e{0}, weir_v{0}", id);
    flags += fmt::format("{}weir_e{}", flags.empty() ? "" : " OR ", id);
    flagged +=
        fmt::format("{}(CASE WHEN weir_e{} THEN {} ELSE 1 END)", flagged.empty() ? "" : " & ", id,
                    reject(rule, fmt::format("weir_v{}", id)));
  }
  if (!tries.empty()) level_ = fmt::format("SELECT *{} FROM ({})", tries, level_);
  level_ = fmt::format("SELECT weir_row{}{} FROM ({})", carried_, outputs, level_);
  carried_ += new_carried;
  if (!flags.empty()) verdicts_ += fmt::format(" WHEN {} THEN {}", flags, flagged);

  const auto described = WEIR_TRY(connection_.describe(level_));
  columns_.clear();
  for (const auto& column : described) {
    if (!column.name.starts_with("weir_")) columns_.push_back(column);
  }
  return {};
}

Result<void> RowCompiler::where(const WhereStep& step) {
  const int id = ++serial_;
  std::string predicate = stand_in_run_variables(step.predicate.text);
  if (!WEIR_TRY(binds(step.predicate, predicate, true))) predicate = "TRUE";
  const int rule =
      add_rule("", "where", "'{}' makes the predicate " + step.predicate.text + " fail");
  level_ = fmt::format("SELECT *, {} AS weir_w{} FROM ({})", wrapped(predicate), id, level_);
  level_ = fmt::format("SELECT *, CASE WHEN weir_w{0} IS NULL THEN {1} END AS weir_v{0} FROM ({2})",
                       id, value_of(predicate), level_);
  carry(fmt::format("weir_w{0}, weir_v{0}", id));
  verdicts_ +=
      fmt::format(" WHEN weir_w{} IS NULL THEN {}", id, reject(rule, fmt::format("weir_v{}", id)));
  verdicts_ += fmt::format(
      " WHEN NOT COALESCE(CAST(weir_w{}.v AS BOOLEAN), FALSE) THEN weir_filtered({}::BIGINT, "
      "weir_row)",
      id, slot_);
  return {};
}

RowQuery RowCompiler::finish(const Table& table) && {
  std::string names;
  for (const Column& column : table.columns) names += quote_identifier(column.name) + ", ";
  std::string sql = fmt::format("SELECT {}weir_row FROM ({})", names, level_);
  const std::string last = contract_.empty() ? "1" : contract_;
  if (count_rows_) {
    verdicts_ = fmt::format(" WHEN weir_seen({}::BIGINT, weir_row) = 0 THEN 0", slot_) + verdicts_;
  }
  if (!verdicts_.empty()) {
    sql += fmt::format(" WHERE (CASE{} ELSE {} END) = 1", verdicts_, last);
  } else if (!contract_.empty()) {
    sql += fmt::format(" WHERE ({}) = 1", contract_);
  }
  return {bind_run_variables(sql), std::move(rules_)};
}

}  // namespace weir::pipeline
