#include "pipeline/row_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "pipeline/conversion.h"
#include "pipeline/length_only.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;
using duckdb::quote_literal;

const std::string fragment_prefix = "SELECT weir_row, (";

/// Grows the statement level by level. Helper columns begin with weir_; flags of earlier levels are
/// carried along so that the one WHERE at the end can judge all of them in step order.
class Compiler {
 public:
  Compiler(duckdb::Database& database, duckdb::Connection& connection, std::string source,
           int64_t slot, int first_rule, bool count_rows, std::vector<SqlProblem>* problems)
      : database_(database),
        connection_(connection),
        level_(std::move(source)),
        slot_(slot),
        first_rule_(first_rule),
        count_rows_(count_rows),
        problems_(problems) {}

  Result<void> begin();

  Result<void> select(const SelectStep& step);
  Result<void> where(const WhereStep& step);
  Result<void> contract(const Table& table);
  RowQuery finish(const Table& table) &&;

 private:
  void judge(const std::string& cases);
  void judge_predicates(const std::vector<std::pair<std::string, std::string>>& predicates);
  const duckdb::ResultColumn* find(const std::string& name) const;
  std::string wrapped(const std::string& expression);
  std::optional<Error> refusal(const std::string& written, const std::string& expression,
                               bool predicate);
  Result<bool> binds(const SqlText& text, const std::string& expression, bool predicate);
  int add_rule(std::string field, std::string rule, std::string message);
  std::string reject(int rule, const std::string& value) const;
  std::string value_of(const std::string& expression) const;
  void carry(std::string column) { carried_ += ", " + column; }

  duckdb::Database& database_;
  duckdb::Connection& connection_;
  std::string level_;  // SQL of the relation so far
  std::vector<duckdb::ResultColumn> columns_;
  std::string carried_;   // ", flag, flag…"
  std::string verdicts_;  // "WHEN … THEN …" of the steps, in order
  std::string contract_;  // "(CASE …) & (CASE …)"
  std::vector<RowRule> rules_;
  int64_t slot_;
  int first_rule_;
  bool count_rows_;
  std::vector<SqlProblem>* problems_;
  int serial_ = 0;
};

Result<void> Compiler::begin() {
  columns_ = WEIR_TRY(connection_.describe("SELECT * FROM (" + level_ + ")"));
  const auto own = std::find_if(columns_.begin(), columns_.end(),
                                [](const auto& column) { return column.name == "weir_row"; });
  if (own != columns_.end()) columns_.erase(own);
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
const duckdb::ResultColumn* Compiler::find(const std::string& name) const {
  const auto at = std::find_if(columns_.begin(), columns_.end(),
                               [&](const auto& column) { return same_name(column.name, name); });
  return at == columns_.end() ? nullptr : &*at;
}

int Compiler::add_rule(std::string field, std::string rule, std::string message) {
  rules_.push_back({std::move(field), std::move(rule), std::move(message)});
  return first_rule_ + static_cast<int>(rules_.size()) - 1;
}

std::string Compiler::reject(int rule, const std::string& value) const {
  return fmt::format("weir_reject({}::BIGINT, weir_row, {}::INTEGER, {})", slot_, rule, value);
}

/// TRY gives NULL for a row on which the expression fails; the struct around it keeps that apart
/// from an expression that is NULL. Some expressions (volatile ones, subqueries) cannot stand in a
/// TRY; their errors fail the run.
std::string Compiler::wrapped(const std::string& expression) {
  const std::string tried = fmt::format("TRY({{'v': ({}\n)}})", expression);
  if (connection_.describe(fmt::format("SELECT {} FROM ({})", tried, level_))) return tried;
  return fmt::format("{{'v': ({}\n)}}", expression);
}

/// Why an expression cannot make one value of one row, if it cannot.
std::optional<Error> Compiler::refusal(const std::string& written, const std::string& expression,
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
Result<bool> Compiler::binds(const SqlText& text, const std::string& expression, bool predicate) {
  auto error = refusal(text.text, expression, predicate);
  if (!error) return true;
  if (problems_ == nullptr) return fail(*std::move(error));
  const int prefix = static_cast<int>(std::string("DESCRIBE ").size() + fragment_prefix.size());
  problems_->push_back({&text, "", *std::move(error), prefix});
  return false;
}

/// What to show for a failed expression: the columns it names, in their order.
std::string Compiler::value_of(const std::string& expression) const {
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

Result<void> Compiler::select(const SelectStep& step) {
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

Result<void> Compiler::where(const WhereStep& step) {
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

Result<void> Compiler::contract(const Table& table) {
  std::string outputs;
  std::vector<std::pair<std::string, std::string>> predicates;  // what must be true, else
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const std::string name = quote_identifier(column.name);
    const duckdb::ResultColumn* given = find(column.name);
    std::string cases;
    if (given == nullptr) {
      outputs += fmt::format(", CAST(NULL AS {}) AS {}", duckdb::sql_type(column.type), name);
    } else {
      auto conversion = convert(database_, name, given->type, column.type);
      if (!conversion) {
        Error error = conversion.error();
        error.message = "column '" + column.name + "': " + error.message;
        if (problems_ == nullptr) return fail(std::move(error));
        problems_->push_back({nullptr, column.name, std::move(error), 0});
        conversion = Conversion{"NULL", false};
      }
      outputs += fmt::format(", {} AS {}", conversion->sql, name);
      if (conversion->can_fail) {
        outputs += fmt::format(", {} AS weir_x{}", name, i);
        const std::string type = column.type.to_string();
        const int rule = add_rule(column.name, type, "'{}' does not fit " + type);
        cases += fmt::format(" WHEN {} IS NULL AND weir_x{} IS NOT NULL THEN {}", name, i,
                             reject(rule, fmt::format("left(CAST(weir_x{} AS VARCHAR), 200)", i)));
      }
      if (column.type.kind == TypeKind::varchar && column.type.length > 0) {
        const std::string type = column.type.to_string();
        const int rule = add_rule(
            column.name, type,
            "the text has more than " + std::to_string(column.type.length) + " characters");
        cases += fmt::format(" WHEN strlen({0}) > {1} AND length({0}) > {1} THEN {2}", name,
                             column.type.length, reject(rule, fmt::format("left({}, 200)", name)));
      }
    }
    const bool in_key =
        std::find(table.key.begin(), table.key.end(), column.name) != table.key.end();
    if (column.required() || in_key) {
      const int rule = add_rule(column.name, "required", "a value is required");
      cases += fmt::format(" WHEN {} IS NULL THEN {}", name, reject(rule, "NULL"));
    }
    if (!cases.empty()) judge(cases);
    for (const Rule& rule : column.rules) {
      if (rule.predicate.empty()) continue;
      const int number = add_rule(column.name, rule.text, "'{}' breaks the rule " + rule.text);
      predicates.emplace_back("COALESCE((" + rule.predicate + "\n), TRUE)",
                              reject(number, fmt::format("left(CAST({} AS VARCHAR), 200)", name)));
    }
  }
  level_ = fmt::format("SELECT weir_row{}{} FROM ({})", carried_, outputs, level_);
  judge_predicates(predicates);
  return {};
}

void Compiler::judge(const std::string& cases) {
  contract_ += fmt::format("{}(CASE{} ELSE 1 END)", contract_.empty() ? "" : " & ", cases);
}

/// Rules of the columns: a row on which one fails breaks it.
void Compiler::judge_predicates(
    const std::vector<std::pair<std::string, std::string>>& predicates) {
  std::string all;
  for (const auto& [predicate, reject] : predicates) all += ", TRY({'v': " + predicate + "})";
  const bool tried =
      connection_.describe(fmt::format("SELECT 1{} FROM ({})", all, level_)).has_value();
  for (const auto& [predicate, reject] : predicates) {
    const std::string value = tried ? "TRY({'v': " + predicate + "})" : wrapped(predicate);
    judge(fmt::format(" WHEN NOT COALESCE(({}).v, FALSE) THEN {}", value, reject));
  }
}

RowQuery Compiler::finish(const Table& table) && {
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

bool any_reads_tables(const PipelineParts& parts) {
  if (parts.sql != nullptr) return true;
  for (const Step* step : parts.row_steps) {
    if (const auto* where = std::get_if<WhereStep>(step)) {
      if (reads_tables(where->predicate.text)) return true;
    }
    if (const auto* select = std::get_if<SelectStep>(step)) {
      for (const SelectItem& item : select->items) {
        if (reads_tables(item.expression.text)) return true;
      }
    }
  }
  for (const Column& column : parts.table->columns) {
    for (const Rule& rule : column.rules) {
      if (reads_tables(rule.predicate)) return true;
    }
  }
  return false;
}

/// Names two of which DuckDB would take for one, and names that are weir's own.
Result<void> check_names(const std::vector<std::pair<std::string, Location>>& columns,
                         const std::string& where) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto& [name, location] = columns[i];
    if (is_reserved_name(name)) {
      return fail(ErrorCode::invalid_project,
                  fmt::format("the column '{}' of {} has a name that begins with weir_, as weir's "
                              "own do",
                              name, where),
                  "give it another name", location);
    }
    for (size_t k = 0; k < i; ++k) {
      if (same_name(columns[k].first, name)) {
        return fail(ErrorCode::invalid_project,
                    fmt::format("the columns '{}' and '{}' of {} differ in upper and lower case "
                                "only, which SQL does not tell apart",
                                columns[k].first, name, where),
                    "rename or leave out one of them", location);
      }
    }
  }
  return {};
}

Result<void> check_all_names(const PipelineParts& parts) {
  std::vector<std::pair<std::string, Location>> names;
  for (const ReadColumn& column : parts.source_columns) {
    names.emplace_back(column.name, column.location);
  }
  WEIR_TRY(check_names(names, "the read step"));
  for (const Step* step : parts.row_steps) {
    const auto* select = std::get_if<SelectStep>(step);
    if (select == nullptr) continue;
    names.clear();
    for (const SelectItem& item : select->items) {
      names.emplace_back(item.name, item.expression.location);
    }
    WEIR_TRY(check_names(names, "a select step"));
  }
  names.clear();
  for (const Column& column : parts.table->columns) {
    names.emplace_back(column.name, column.location);
  }
  return check_names(names, "table '" + parts.table->name.value() + "'");
}

}  // namespace

Result<RowQuery> compile_rows(const PipelineParts& parts, duckdb::Database& database,
                              duckdb::Connection& connection, const std::string& source,
                              int64_t slot, int first_rule, std::vector<SqlProblem>* problems) {
  Compiler compiler(database, connection, source, slot, first_rule, parts.sql != nullptr, problems);
  WEIR_TRY(compiler.begin());
  for (const Step* step : parts.row_steps) {
    if (const auto* select = std::get_if<SelectStep>(step)) WEIR_TRY(compiler.select(*select));
    if (const auto* where = std::get_if<WhereStep>(step)) WEIR_TRY(compiler.where(*where));
  }
  WEIR_TRY(compiler.contract(*parts.table));
  RowQuery query = std::move(compiler).finish(*parts.table);
  query.reads_tables = any_reads_tables(parts);
  return query;
}

Result<PipelineParts> take_apart(const Project& project, const Pipeline& pipeline) {
  PipelineParts parts;
  parts.pipeline = &pipeline;
  const auto later = [&](const std::string& what, const Location& location) {
    return fail(ErrorCode::not_yet, what + " is not built yet", "leave it out for now", location);
  };
  for (const Step& step : pipeline.steps) {
    if (parts.load != nullptr) return later("a step behind load", pipeline.location);
    if (const auto* read = std::get_if<ReadStep>(&step)) {
      if (read->format == Format::parquet) return later("format parquet", read->location);
      parts.read = read;
    } else if (const auto* sql = std::get_if<SqlStep>(&step)) {
      if (parts.read != nullptr || parts.sql != nullptr || !parts.row_steps.empty()) {
        return later("a sql step behind another step", sql->location);
      }
      parts.sql = sql;
    } else if (const auto* load = std::get_if<LoadStep>(&step)) {
      parts.load = load;
    } else if (const auto* unknown = std::get_if<LaterStep>(&step)) {
      return later("the step " + unknown->kind, unknown->location);
    } else {
      parts.row_steps.push_back(&step);
    }
  }
  if (parts.load == nullptr || (parts.read == nullptr && parts.sql == nullptr)) {
    return fail(ErrorCode::invalid_project,
                "pipeline '" + pipeline.name.value() + "' does not go from read or sql to load");
  }
  parts.table = project.find_table(parts.load->table);
  if (parts.table == nullptr) {
    return fail(ErrorCode::invalid_project, "unknown table '" + parts.load->table.value() + "'");
  }
  if (parts.read != nullptr) {
    parts.source_columns = parts.read->columns;
    if (parts.source_columns.empty()) {
      for (const Column& column : parts.table->columns) {
        parts.source_columns.push_back({column.name, column.type, column.location});
      }
    }
  } else if (parts.sql->database != parts.table->database) {
    return later("a sql step that feeds another database", parts.sql->location);
  }
  const LoadMode mode = parts.load->mode;
  if ((mode == LoadMode::merge || mode == LoadMode::ignore) && parts.table->key.empty()) {
    return fail(ErrorCode::invalid_project,
                fmt::format("mode {} needs a key on table '{}'", to_string(mode),
                            parts.table->name.value()));
  }
  WEIR_TRY(check_all_names(parts));
  return parts;
}

namespace {

constexpr std::string_view run_day_stand_in = "CAST('1970-01-01' AS DATE) /*weir_run_day*/";
constexpr std::string_view run_scheduled_for_stand_in =
    "CAST('1970-01-01T00:00:00Z' AS TIMESTAMPTZ) /*weir_run_scheduled_for*/";

std::string replace_all(std::string text,
                        std::span<const std::pair<std::string_view, std::string_view>> pairs) {
  for (const auto& [from, to] : pairs) {
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

}  // namespace

std::string stand_in_run_variables(const std::string& sql) {
  const std::pair<std::string_view, std::string_view> variables[] = {
      {"${run.day}", run_day_stand_in}, {"${run.scheduled_for}", run_scheduled_for_stand_in}};
  return replace_all(sql, variables);
}

int offset_before_stand_in(const std::string& sql, int offset) {
  const std::pair<std::string_view, std::string_view> variables[] = {
      {"${run.day}", run_day_stand_in}, {"${run.scheduled_for}", run_scheduled_for_stand_in}};
  int shift = 0;
  for (size_t at = sql.find("${run."); at != std::string::npos; at = sql.find("${run.", at + 1)) {
    for (const auto& [from, to] : variables) {
      if (!sql.substr(at).starts_with(from)) continue;
      const int begin = static_cast<int>(at) + shift;
      if (offset < begin) return offset - shift;
      if (offset < begin + static_cast<int>(to.size())) return static_cast<int>(at);
      shift += static_cast<int>(to.size()) - static_cast<int>(from.size());
    }
  }
  return offset - shift;
}

std::string bind_run_variables(const std::string& sql) {
  const std::pair<std::string_view, std::string_view> variables[] = {
      {run_day_stand_in, "CAST($weir_run_day AS DATE)"},
      {run_scheduled_for_stand_in, "CAST($weir_run_scheduled_for AS TIMESTAMPTZ)"}};
  return replace_all(sql, variables);
}

std::string sql_source(const SqlStep& step) {
  return fmt::format("SELECT *, row_number() OVER () AS weir_row FROM (\n{}\n)",
                     stand_in_run_variables(step.sql.text));
}

}  // namespace weir::pipeline
