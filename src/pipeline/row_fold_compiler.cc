// RowCompiler's folds: steps that make fewer rows of many.
#include <fmt/format.h>

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

/// "a, b" with a comma before each.
std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += ", " + name;
  return list;
}

/// SQL of a relation: the one weir_row of each group of `source` that has the greatest (newest) or
/// least (oldest) `key`; a row without one loses against any other; ties go by input order. Sorts,
/// because a sort spills whatever the key is; the state of an arg_max does not.
std::string winners_by_key(const std::string& source, const std::string& input,
                           const std::vector<std::string>& by, const std::string& key,
                           bool newest) {
  const char* order = newest ? "DESC" : "ASC";
  return fmt::format(
      "SELECT weir_row FROM (SELECT weir_row, first_value(weir_row) OVER (PARTITION BY {0}{1} "
      "ORDER BY {2} {3} NULLS LAST, weir_row {3}) AS weir_w FROM {4}) WHERE weir_row = weir_w",
      input, listed(by), key, order, source);
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

Result<void> RowCompiler::dedupe(const Step& whole) {
  const auto& step = std::get<DedupeStep>(whole);
  const auto by = WEIR_TRY(group_columns(step.by, "dedupe"));
  PendingDedupe pending;
  pending.step = &whole;
  std::string hidden;
  for (const std::string& column : by.value_or(std::vector<std::string>())) {
    pending.by.push_back(fmt::format("weir_b{}", ++serial_));
    hidden += fmt::format(", {} AS {}", column, pending.by.back());
  }
  if (step.keep == DedupeKeep::newest || step.keep == DedupeKeep::oldest) {
    std::string expression = stand_in_run_variables(step.order_by.text);
    if (!WEIR_TRY(binds(step.order_by, expression, Shape::value))) expression = "NULL";
    const int rule =
        add_rule("", "dedupe", "'{}' makes the order_by " + step.order_by.text + " fail");
    StepFlags flags;
    const std::string value = attempt(expression, rule, flags);
    leave(flags);
    pending.key = fmt::format("weir_k{}", ++serial_);
    hidden += fmt::format(", {} AS {}", value, pending.key);
  }
  level_ = fmt::format("SELECT *{} FROM ({})", hidden, level_);
  carried_ += listed(pending.by);
  if (!pending.key.empty()) carry(pending.key);
  pending_.push_back(std::move(pending));
  return {};
}

/// SQL of a relation: the weir_row of those rows of `source` that stay.
std::string RowCompiler::sort_out(const PendingDedupe& pending, const std::string& source) {
  const std::string input = input_sql(identity_);
  const DedupeKeep keep = std::get<DedupeStep>(*pending.step).keep;
  if (!pending.key.empty()) {
    return winners_by_key(source, input, pending.by, pending.key, keep == DedupeKeep::newest);
  }
  return fmt::format("SELECT {}(weir_row) AS weir_row FROM {} GROUP BY {}{}",
                     keep == DedupeKeep::first ? "min" : "max", source, input, listed(pending.by));
}

/// Ends the statement: its good rows go into a table, where the dedupes that wait are done one
/// after the other. Gives SQL of what is left: "table WHERE …".
Result<std::string> RowCompiler::fold_pending(const std::string& columns) {
  std::string outputs = columns;
  std::vector<std::string> filters;
  for (const PendingDedupe& pending : pending_) {
    for (const std::string& name : pending.by) outputs += name + ", ";
    if (!pending.key.empty()) outputs += pending.key + ", ";
    filters.push_back(fmt::format("weir_f{}", ++serial_));
    outputs += fmt::format("({}) AS {}, ", pending.filter.empty() ? "FALSE" : pending.filter,
                           filters.back());
  }
  const std::string rows = judged(outputs);
  const std::string table = WEIR_TRY(make_table(rows));
  const std::string input = input_sql(identity_);
  std::string left = table;
  for (size_t i = 0; i < pending_.size(); ++i) {
    const PendingDedupe& pending = pending_[i];
    const std::string source = i == 0 ? table : fmt::format("(SELECT * FROM {})", left);
    const std::string kept = WEIR_TRY(make_table("SELECT weir_row FROM " + table));
    RowFold fold;
    fold.step = pending.step;
    fold.tables = {kept};
    if (i == 0) {
      fold.tables.push_back(table);
      fold.fills.push_back(bind_run_variables(fmt::format("INSERT INTO {} {}", table, rows)));
    }
    fold.fills.push_back(fmt::format("INSERT INTO {} {}", kept, sort_out(pending, source)));
    const std::string stays = fmt::format("weir_row IN (SELECT weir_row FROM {})", kept);
    fold.counts = fmt::format(
        "SELECT weir_i, 0, CAST(sum(weir_d) AS BIGINT), CAST(sum(weir_n) AS BIGINT) FROM ("
        "SELECT {0} AS weir_i, count(*) AS weir_d, 0 AS weir_n FROM {1} GROUP BY ALL UNION ALL "
        "SELECT {0}, -count(*), 0 FROM {2} GROUP BY ALL UNION ALL "
        "SELECT {0}, 0, count(*) FROM {3} WHERE {4} AND {5} GROUP BY ALL) GROUP BY weir_i",
        input, source, kept, table, filters[i], stays);
    left = fmt::format("{} WHERE {} AND NOT {}", table, stays, filters[i]);
    folds_.push_back(std::move(fold));
  }
  pending_.clear();
  return left;
}

/// Before a step that does not work on each row by itself; `next_step` is its index.
Result<void> RowCompiler::settle_pending(int next_step) {
  if (pending_.empty()) return {};
  const std::string flags = default_flags_.empty() ? "" : default_flags_.substr(2) + ", ";
  const std::string columns = column_names() + flags;
  const std::string rows = WEIR_TRY(fold_pending(columns));
  WEIR_TRY(go_on_from(fmt::format("SELECT {}weir_row FROM {}", columns, rows), next_step));
  carried_ += default_flags_;
  return {};
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
  WEIR_TRY(settle_pending(next_step - 1));
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
  fold.counts =
      fmt::format("SELECT {} AS weir_i, CAST(sum(weir_n - 1) AS BIGINT), 0, 0 FROM {} GROUP BY ALL",
                  input, table);
  produced_ = true;
  default_flags_.clear();
  WEIR_TRY(go_on_from(
      fmt::format("SELECT {}{}{} AS weir_v, weir_row FROM {}", by, outputs, shown, table),
      next_step));
  carry("weir_v" + carried);
  leave(flags);
  return {};
}

}  // namespace weir::pipeline
