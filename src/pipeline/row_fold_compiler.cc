// RowCompiler's folds: steps that make fewer rows of many.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string_view>

#include "pipeline/row_compiler.h"
#include "pipeline/run_variables.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

constexpr std::string_view aggregate_prefix = "SELECT (";

/// "a, b" with a comma behind each.
std::string with_commas(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += name + ", ";
  return list;
}

/// Whether the state of max() over the type has one size: such an aggregation spills.
bool has_fixed_size(std::string_view type) {
  constexpr std::array fixed = {"BOOLEAN",  "TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",
                                "HUGEINT",  "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                                "UHUGEINT", "FLOAT",    "DOUBLE",    "DATE",     "TIME",
                                "UUID",     "INTERVAL"};
  if (type.ends_with("]")) return false;
  if (type.starts_with("DECIMAL") || type.starts_with("TIMESTAMP")) return true;
  return std::find(fixed.begin(), fixed.end(), type) != fixed.end();
}

/// SQL of a relation: the one weir_row of each group of `table` that has the greatest (newest) or
/// least (oldest) weir_k; a row without one loses against any other; ties go by input order.
std::string winners_by_order(const std::string& table, const std::string& input,
                             const std::vector<std::string>& by, bool newest, bool fixed_size) {
  const std::string list = with_commas(by);
  if (!fixed_size) {
    return fmt::format(
        "SELECT weir_row FROM (SELECT weir_row, first_value(weir_row) OVER (PARTITION BY {}{} "
        "ORDER BY weir_k {} NULLS LAST, weir_row {}) AS weir_w FROM {}) WHERE weir_row = weir_w",
        list, input, newest ? "DESC" : "ASC", newest ? "DESC" : "ASC", table);
  }
  const char* best = newest ? "max" : "min";
  std::string same = "t.weir_i = m.weir_i AND t.weir_k IS NOT DISTINCT FROM m.weir_k";
  for (const std::string& name : by) {
    same += fmt::format(" AND t.{0} IS NOT DISTINCT FROM m.{0}", name);
  }
  std::string groups;
  for (const std::string& name : by) groups += ", m." + name;
  return fmt::format(
      "SELECT {0}(t.weir_row) AS weir_row FROM (SELECT *, {1} AS weir_i FROM {2}) t JOIN (SELECT "
      "{3}{1} AS weir_i, {0}(weir_k) AS weir_k FROM {2} GROUP BY ALL) m ON {4} "
      "GROUP BY m.weir_i{5}",
      best, input, table, list, same, groups);
}

}  // namespace

std::string RowCompiler::attempt(const std::string& expression, int rule, StepFlags& flags) {
  const int id = ++serial_;
  level_ = fmt::format("SELECT *, {} AS weir_t{} FROM ({})", wrapped(expression), id, level_);
  level_ = fmt::format("SELECT *, CASE WHEN weir_t{0} IS NULL THEN {1} END AS weir_v{0} FROM ({2})",
                       id, value_of(expression), level_);
  carry(fmt::format("weir_t{0}, weir_v{0}", id));
  flags.add(fmt::format("weir_t{} IS NULL", id), reject(rule, fmt::format("weir_v{}", id)));
  return fmt::format("(weir_t{}).v", id);
}

/// An empty temporary table of the columns a SELECT gives. Gives its name, quoted.
Result<std::string> RowCompiler::make_table(const std::string& select) {
  static std::atomic<int> serial{0};
  std::string columns;
  for (const auto& column : WEIR_TRY(connection_.describe(select))) {
    const bool untyped = column.type == "\"NULL\"";
    columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", quote_identifier(column.name),
                           untyped ? "VARCHAR" : column.type);
  }
  const std::string name = "temp." + quote_identifier(fmt::format("weir_fold_{}", ++serial));
  WEIR_TRY(connection_.run(fmt::format("CREATE TEMP TABLE {} ({})", name, columns)));
  return name;
}

/// The next statement begins with the rows a fold left.
Result<void> RowCompiler::go_on_from(const std::string& source, int next_step) {
  level_ = source;
  for (std::string* text :
       {&carried_, &verdicts_, &leaving_, &contract_, &tell_produced_, &more_}) {
    text->clear();
  }
  count_rows_ = false;
  WEIR_TRY(refresh_columns());
  if (produced_) remember_produced(next_step, "");
  return {};
}

/// Quoted; none when a name is unknown, which has been noted.
Result<std::optional<std::vector<std::string>>> RowCompiler::group_columns(
    const std::vector<NamedColumn>& by, const char* step) {
  std::vector<std::string> names;
  for (const NamedColumn& column : by) {
    const auto* found = WEIR_TRY(known(column, step));
    if (found == nullptr)
      blind_ = true;
    else
      names.push_back(quote_identifier(found->name));
  }
  if (blind_) return std::nullopt;
  return names;
}

Result<void> RowCompiler::dedupe(const Step& whole, int next_step) {
  const auto& step = std::get<DedupeStep>(whole);
  const auto by = WEIR_TRY(group_columns(step.by, "dedupe"));
  const bool ordered = step.keep == DedupeKeep::newest || step.keep == DedupeKeep::oldest;
  std::string order;
  if (ordered) {
    std::string expression = stand_in_run_variables(step.order_by.text);
    if (!WEIR_TRY(binds(step.order_by, expression, Shape::value))) expression = "NULL";
    const int rule =
        add_rule("", "dedupe", "'{}' makes the order_by " + step.order_by.text + " fail");
    StepFlags flags;
    order = attempt(expression, rule, flags) + " AS weir_k, ";
    leave(flags);
  }
  if (!by) return {};

  RowFold fold;
  fold.step = &whole;
  fold.counter = RowFold::Counter::deduplicated;
  const std::string rows = judged(column_names() + order);
  const std::string table = WEIR_TRY(make_table(rows));
  const std::string kept = WEIR_TRY(make_table("SELECT weir_row FROM " + table));
  const std::string input = input_sql(identity_);
  std::string winners;
  if (ordered) {
    const auto key = WEIR_TRY(connection_.describe("SELECT weir_k FROM " + table));
    winners = winners_by_order(table, input, *by, step.keep == DedupeKeep::newest,
                               has_fixed_size(key.front().type));
  } else {
    winners =
        fmt::format("SELECT {}(weir_row) FROM {} GROUP BY {}{}",
                    step.keep == DedupeKeep::first ? "min" : "max", table, with_commas(*by), input);
  }
  fold.tables = {table, kept};
  fold.fills = {bind_run_variables(fmt::format("INSERT INTO {} {}", table, rows)),
                fmt::format("INSERT INTO {} {}", kept, winners)};
  fold.counts = fmt::format(
      "SELECT weir_i, CAST(sum(weir_n) AS BIGINT) FROM (SELECT {0} AS weir_i, count(*) AS weir_n "
      "FROM {1} GROUP BY ALL UNION ALL SELECT {0}, -count(*) FROM {2} GROUP BY ALL) GROUP BY "
      "weir_i",
      input, table, kept);
  folds_.push_back(std::move(fold));
  return go_on_from(fmt::format("SELECT {}weir_row FROM {} WHERE weir_row IN (SELECT weir_row FROM "
                                "{})",
                                column_names(), table, kept),
                    next_step);
}

/// Why an expression cannot make one value of one group, if it cannot.
std::optional<Error> RowCompiler::aggregate_refusal(const std::string& written,
                                                    const std::string& expression,
                                                    const std::string& groups) {
  if (auto error = check_fragment(written)) return error;
  const std::string from = fmt::format("FROM ({}) GROUP BY {}", level_, groups);
  const auto columns =
      connection_.describe(fmt::format("{}{}\n) {}", aggregate_prefix, expression, from));
  if (!columns) {
    Error error = columns.error();
    if (error.message.find(" must appear in the GROUP BY") != std::string::npos) {
      error.fix = "fold it, as in max(…), count(…) or any_value(…), or name it in 'by'";
    }
    return error;
  }
  if (columns->size() != 1) {
    return Error{ErrorCode::sql, "this is not one expression", "write one per column"};
  }
  // A HAVING takes neither windows nor unnest.
  if (connection_.describe(fmt::format("SELECT 1 {} HAVING (({}\n)) IS NULL", from, expression))) {
    return std::nullopt;
  }
  return Error{ErrorCode::sql, "this does not give one value for one group",
               "fold a window function or unnest in a step before this one"};
}

/// Whether the parts of a split expression make what the whole made.
bool RowCompiler::binds_split(const SplitExpression& split, const std::string& groups) {
  std::string arguments, aggregates;
  for (const auto& [name, sql] : split.arguments) arguments += ", " + sql + " AS " + name;
  for (const auto& [name, sql] : split.aggregates) aggregates += ", " + sql + " AS " + name;
  const auto described = connection_.describe(
      fmt::format("SELECT {} FROM (SELECT {}{} FROM (SELECT *{} FROM ({})) GROUP BY {})",
                  split.value, groups, aggregates, arguments, level_, groups));
  return described && described->size() == 1;
}

/// What can fail on a row is computed before the fold and rejects the row; what can fail on a group
/// is computed behind it and rejects the group. Where an expression cannot be taken apart, its
/// failure fails the run. `arguments`: what the fold needs of each row, with commas.
Result<std::vector<RowCompiler::FoldedItem>> RowCompiler::split_items(const AggregateStep& step,
                                                                      const std::string& groups,
                                                                      std::string& arguments) {
  std::vector<FoldedItem> items;
  StepFlags flags;
  auto splitter = WEIR_TRY(AggregateSplitter::make(connection_, serial_));
  for (const SelectItem& item : step.items) {
    const std::string& written = item.expression.text;
    std::string expression = stand_in_run_variables(written);
    auto error = aggregate_refusal(written, expression, groups);
    if (!WEIR_TRY(note(item.expression, std::move(error), aggregate_prefix.size()))) {
      expression = "NULL";
    }
    const int rule =
        add_rule(item.name, "aggregate", "'{}' makes the expression " + written + " fail");
    FoldedItem folded{item.name, "", {}, rule};
    const auto split = splitter.split(expression == "NULL" ? expression : written);
    if (split && binds_split(*split, groups)) {
      for (const auto& [name, sql] : split->arguments) {
        arguments += fmt::format("{} AS {}, ", attempt(sql, rule, flags), name);
      }
      folded.value = split->value;
      folded.aggregates = split->aggregates;
    } else {
      folded.value = fmt::format("weir_g{}", ++serial_);
      folded.aggregates.emplace_back(folded.value, "(" + expression + "\n)");
    }
    items.push_back(std::move(folded));
  }
  leave(flags);
  return items;
}

Result<void> RowCompiler::aggregate(const Step& whole, int next_step) {
  const auto& step = std::get<AggregateStep>(whole);
  const auto by = WEIR_TRY(group_columns(step.by, "aggregate"));
  if (!by) return {};
  std::string arguments;
  const std::string groups = with_commas(*by) + input_sql(identity_);
  const auto items = WEIR_TRY(split_items(step, groups, arguments));
  RowFold fold;
  fold.step = &whole;
  WEIR_TRY(
      fold_groups(items, with_commas(*by), judged(column_names() + arguments), fold, next_step));
  folds_.push_back(std::move(fold));
  return {};
}

/// A group is called by its first row.
Result<void> RowCompiler::fold_groups(const std::vector<FoldedItem>& items, const std::string& by,
                                      const std::string& rows, RowFold& fold, int next_step) {
  const std::string input = input_sql(identity_);
  std::string aggregates, values, outputs, carried;
  StepFlags flags;
  for (const FoldedItem& item : items) {
    for (const auto& [name, sql] : item.aggregates) aggregates += sql + " AS " + name + ", ";
  }
  const std::string groups = fmt::format(
      "SELECT {}{}min(weir_row) AS weir_row, count(*) AS weir_n FROM ({}) GROUP BY {}{}", by,
      aggregates, rows, by, input);
  const std::string shown =
      by.empty() ? "NULL"
                 : fmt::format("left(concat_ws(', ', {}), 200)", by.substr(0, by.size() - 2));
  for (const FoldedItem& item : items) {
    const int id = ++serial_;
    values += fmt::format("{} AS weir_t{}, ", wrapped(item.value, groups), id);
    outputs += fmt::format("(weir_t{0}).v AS {1}, weir_t{0} IS NULL AS weir_e{0}, ", id,
                           quote_identifier(item.name));
    carried += fmt::format(", weir_e{}", id);
    flags.add(fmt::format("weir_e{}", id), reject(item.rule, "weir_v"));
  }
  const std::string select =
      fmt::format("SELECT {}{}weir_row, weir_n FROM ({})", by, values, groups);
  const std::string table = WEIR_TRY(make_table(select));
  fold.tables = {table};
  fold.fills = {bind_run_variables(fmt::format("INSERT INTO {} {}", table, select))};
  fold.counts = fmt::format(
      "SELECT {} AS weir_i, CAST(sum(weir_n - 1) AS BIGINT) FROM {} GROUP BY ALL", input, table);
  produced_ = true;
  WEIR_TRY(go_on_from(
      fmt::format("SELECT {}{}{} AS weir_v, weir_row FROM {}", by, outputs, shown, table),
      next_step));
  carry("weir_v" + carried);
  leave(flags);
  return {};
}

}  // namespace weir::pipeline
