#include "pipeline/row_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "config/reader.h"
#include "pipeline/length_only.h"
#include "pipeline/run_variables.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

constexpr std::string_view fragment_prefix = "SELECT weir_row, (";

bool is_default_flag(const std::string& name) { return name.starts_with("weir_default_"); }

}  // namespace

RowCompiler::RowCompiler(const PipelineParts& parts, duckdb::Database& database,
                         duckdb::Connection& connection, std::string source, int64_t slot,
                         int first_rule, std::vector<SqlProblem>* problems)
    : parts_(parts),
      database_(database),
      connection_(connection),
      level_(std::move(source)),
      slot_(slot),
      first_rule_(first_rule),
      count_rows_(parts.sql != nullptr),
      problems_(problems) {
  for (const Step* step : parts.row_steps) {
    all_unnests_ += std::holds_alternative<UnnestStep>(*step) ? 1 : 0;
  }
}

Result<void> RowCompiler::begin() {
  columns_ = WEIR_TRY(connection_.describe("SELECT * FROM (" + level_ + ")"));
  const auto own = std::find_if(columns_.begin(), columns_.end(),
                                [](const auto& column) { return column.name == "weir_row"; });
  if (own != columns_.end()) columns_.erase(own);
  if (!count_rows_) {  // the scan's own columns
    for (const auto& column : columns_) {
      if (is_default_flag(column.name)) default_flags_ += ", " + column.name;
    }
    carried_ = default_flags_;
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

Result<void> RowCompiler::refresh_columns() {
  const auto described = WEIR_TRY(connection_.describe(level_));
  columns_.clear();
  for (const auto& column : described) {
    if (!is_reserved_name(column.name)) columns_.push_back(column);
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
std::string RowCompiler::wrapped(const std::string& expression, const std::string& relation) {
  const std::string tried = fmt::format("TRY({{'v': ({}\n)}})", expression);
  if (connection_.describe(fmt::format("SELECT {} FROM ({})", tried, relation))) return tried;
  return fmt::format("{{'v': ({}\n)}}", expression);
}

/// Why an expression cannot make one value of one row, if it cannot.
std::optional<Error> RowCompiler::refusal(const std::string& written, const std::string& expression,
                                          Shape shape) {
  if (auto error = check_fragment(written)) return error;
  // weir_row beside it: an aggregate would fold rows, and does not bind.
  const auto columns =
      connection_.describe(std::string(fragment_prefix) + expression + "\n) FROM (" + level_ + ")");
  if (!columns) {
    if (columns.error().message.find(" must appear in the GROUP BY") == std::string::npos) {
      return columns.error();
    }
    return Error{ErrorCode::sql,
                 "an aggregate folds rows, and this step works on each row by itself",
                 "use an aggregate step"};
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
  if (shape == Shape::predicate && columns->back().type != "BOOLEAN") {
    return Error{ErrorCode::sql, "a predicate must be BOOLEAN, and this is " + columns->back().type,
                 "compare it with something"};
  }
  return std::nullopt;
}

/// Whether an expression of the user binds to the columns so far, as a value of one row. False: the
/// problem has been noted.
Result<bool> RowCompiler::binds(const SqlText& text, const std::string& expression, Shape shape) {
  return note(text, refusal(text.text, expression, shape), fragment_prefix.size());
}

/// True when there is no error. `prefix_bytes` of the described statement stand before the text.
Result<bool> RowCompiler::note(const SqlText& text, std::optional<Error> error,
                               size_t prefix_bytes) {
  if (!error) return true;
  if (problems_ == nullptr) return fail(*std::move(error));
  const int prefix = static_cast<int>(std::string_view("DESCRIBE ").size() + prefix_bytes);
  problems_->push_back({&text, "", *std::move(error), prefix});
  return false;
}

/// A problem of a name in the project file.
Result<void> RowCompiler::note_at(const Location& location, Error error) {
  error.location = location;
  if (problems_ == nullptr) return fail(std::move(error));
  problems_->push_back({nullptr, "", std::move(error), 0, location});
  return {};
}

/// The column a step names; null: the problem has been noted.
Result<const duckdb::ResultColumn*> RowCompiler::known(const NamedColumn& column,
                                                       const char* step) {
  if (const auto* found = find(column.name)) return found;
  std::vector<std::string> names;
  for (const auto& each : columns_) names.push_back(each.name);
  WEIR_TRY(note_at(
      column.location,
      {ErrorCode::sql,
       fmt::format("the {} step names the column '{}', which is not there", step, column.name),
       config::suggestion(column.name, names)}));
  return nullptr;
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
  StepFlags flags;
  std::string new_carried;
  for (const SelectItem& item : step.items) {
    std::string expression = stand_in_run_variables(item.expression.text);
    const std::string name = quote_identifier(item.name);
    if (find(expression) != nullptr) {
      outputs += fmt::format(", {} AS {}", quote_identifier(expression), name);
      continue;
    }
    if (!WEIR_TRY(binds(item.expression, expression, Shape::value))) expression = "NULL";
    const int id = ++serial_;
    const int rule = add_rule(item.name, "select",
                              "'{}' makes the expression " + item.expression.text + " fail");
    tries += fmt::format(", {} AS weir_t{}", wrapped(expression), id);
    outputs += fmt::format(", weir_t{}.v AS {}", id, name);
    outputs += fmt::format(", weir_t{0} IS NULL AS weir_e{0}", id);
    outputs += fmt::format(", CASE WHEN weir_t{0} IS NULL THEN {1} END AS weir_v{0}", id,
                           value_of(expression));
    new_carried += fmt::format(", weir_e{0}, weir_v{0}", id);
    flags.add(fmt::format("weir_e{}", id), reject(rule, fmt::format("weir_v{}", id)));
  }
  if (!tries.empty()) level_ = fmt::format("SELECT *{} FROM ({})", tries, level_);
  level_ = fmt::format("SELECT weir_row{}{} FROM ({})", carried_, outputs, level_);
  carried_ += new_carried;
  leave(flags);
  return refresh_columns();
}

Result<void> RowCompiler::where(const WhereStep& step) {
  const int id = ++serial_;
  std::string predicate = stand_in_run_variables(step.predicate.text);
  if (!WEIR_TRY(binds(step.predicate, predicate, Shape::predicate))) predicate = "TRUE";
  const int rule =
      add_rule("", "where", "'{}' makes the predicate " + step.predicate.text + " fail");
  level_ = fmt::format("SELECT *, {} AS weir_w{} FROM ({})", wrapped(predicate), id, level_);
  level_ = fmt::format("SELECT *, CASE WHEN weir_w{0} IS NULL THEN {1} END AS weir_v{0} FROM ({2})",
                       id, value_of(predicate), level_);
  carry(fmt::format("weir_w{0}, weir_v{0}", id));
  leave(fmt::format("weir_w{} IS NULL", id), reject(rule, fmt::format("weir_v{}", id)));
  const std::string out = fmt::format("NOT COALESCE(CAST(weir_w{}.v AS BOOLEAN), FALSE)", id);
  if (pending_.empty()) {
    leave(out, filtered());
  } else {  // it still takes part in the dedupe before
    std::string& filter = pending_.back().filter;
    filter += (filter.empty() ? "" : " OR ") + out;
    leave(out, "1");
  }
  return {};
}

/// NULL is good, as in a table's own rules; a row on which a rule fails breaks it.
Result<void> RowCompiler::check(const CheckStep& step) {
  std::string tries, values;
  StepFlags flags;
  for (const SelectItem& item : step.rules) {
    const int id = ++serial_;
    std::string predicate = stand_in_run_variables(item.expression.text);
    if (!WEIR_TRY(binds(item.expression, predicate, Shape::predicate))) predicate = "TRUE";
    const int rule = add_rule("", item.name, "'{}' breaks the check " + item.name);
    tries += fmt::format(", NOT COALESCE(({}).v, FALSE) AS weir_e{}",
                         wrapped("COALESCE((" + predicate + "\n), TRUE)"), id);
    values +=
        fmt::format(", CASE WHEN weir_e{0} THEN {1} END AS weir_v{0}", id, value_of(predicate));
    carry(fmt::format("weir_e{0}, weir_v{0}", id));
    flags.add(fmt::format("weir_e{}", id), reject(rule, fmt::format("weir_v{}", id)));
  }
  if (flags.empty()) return {};
  level_ = fmt::format("SELECT *{} FROM ({})", tries, level_);
  level_ = fmt::format("SELECT *{} FROM ({})", values, level_);
  leave(flags);
  return {};
}

void RowCompiler::leave(const std::string& condition, const std::string& verdict) {
  verdicts_ += fmt::format(" WHEN {} THEN {}", condition, verdict);
  leaving_ += (leaving_.empty() ? "" : " OR ") + condition;
}

void RowCompiler::leave(const StepFlags& flags) {
  if (!flags.empty()) leave(flags.flags(), flags.verdicts());
}

void RowCompiler::StepFlags::add(const std::string& flag, const std::string& reject) {
  flags_ += (flags_.empty() ? "" : " OR ") + flag;
  verdicts_ += fmt::format("{}(CASE WHEN {} THEN {} ELSE 1 END)", verdicts_.empty() ? "" : " & ",
                           flag, reject);
}

std::string RowCompiler::filtered() const {
  return fmt::format("weir_filtered({}::BIGINT, weir_row)", slot_);
}

std::string RowCompiler::column_names() const {
  std::string names;
  for (const auto& column : columns_) names += quote_identifier(column.name) + ", ";
  return names;
}

/// The statement's one WHERE: true for good rows; tells weir of every other one. A reject is NULL,
/// so that the row it was made of is put into words for rejected rows only.
std::string RowCompiler::where_clause() const {
  std::string counting;
  if (count_rows_) {
    counting += fmt::format(" WHEN weir_seen({}::BIGINT, weir_row{}) = 0 THEN 0", slot_,
                            more_.empty() ? "" : ", " + more_);
  }
  if (!more_.empty()) {
    counting +=
        fmt::format(" WHEN weir_expanded({}::BIGINT, weir_row, {}) = 0 THEN 0", slot_, more_);
  }
  std::string verdict = contract_.empty() ? "1" : contract_;
  if (!counting.empty() || !verdicts_.empty()) {
    verdict = fmt::format("CASE{}{} ELSE {} END", counting, verdicts_, verdict);
  } else if (contract_.empty()) {
    return "";
  }
  if (!tell_produced_.empty()) verdict = fmt::format("COALESCE({}, {})", verdict, tell_produced_);
  return " WHERE (" + verdict + ") = 1";
}

/// `columns` (each with a comma behind it) and weir_row of the good rows.
std::string RowCompiler::judged(const std::string& columns) const {
  return fmt::format("SELECT {}weir_row FROM ({}){}", columns, level_, where_clause());
}

Result<RowQuery> RowCompiler::finish(const Table& table) && {
  std::string names;
  for (const Column& column : table.columns) names += quote_identifier(column.name) + ", ";
  RowQuery query;
  if (pending_.empty()) {
    query.sql = bind_run_variables(judged(names));
  } else {
    const std::string rows = WEIR_TRY(fold_pending(names));
    query.sql = fmt::format("SELECT {}weir_row FROM {}", names, rows);
  }
  query.folds = std::move(folds_);
  query.rules = std::move(rules_);
  query.identity = identity_;
  query.produced = produced_;
  return query;
}

}  // namespace weir::pipeline
