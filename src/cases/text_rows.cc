#include "cases/text_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "cases/fixture_file.h"
#include "duckdb/database.h"
#include "pipeline/set_rules.h"
#include "text/json.h"

namespace weir::cases {
namespace {

using duckdb::quote_identifier;
using text::Json;

constexpr size_t most_rows = 1'000'000;
constexpr const char* staged_table = "weir_case_rows";

TextRows written_rows(const CaseRows& rows, const Table& table) {
  TextRows out;
  for (const Column& column : table.columns) {
    const bool named = std::any_of(rows.rows.begin(), rows.rows.end(), [&](const CaseRow& row) {
      return row.find(column.name) != nullptr;
    });
    if (named) out.columns.push_back(&column);
  }
  for (const CaseRow& row : rows.rows) {
    TextRow cells;
    for (const Column* column : out.columns) {
      const CaseCell* cell = row.find(column->name);
      const bool null = cell == nullptr || cell->value.kind == CaseValue::Kind::null;
      cells.push_back(null ? std::nullopt : std::optional(cell->value.text));
    }
    out.rows.push_back(std::move(cells));
    out.places.push_back(row.location);
  }
  return out;
}

bool is_text(const DataType& type) { return type.kind == TypeKind::varchar; }

/// SQL that makes the staged text the column's value.
Result<std::string> typed(const Column& column, const std::string& staged,
                          duckdb::Database& database) {
  if (is_text(column.type)) return staged;
  const std::string function = WEIR_TRY(database.parse_function(column.type));
  return function + "(" + staged + ")";
}

/// SQL of a value's text, one for one value.
std::string spelled(const DataType& type, const std::string& value) {
  switch (type.kind) {
    case TypeKind::bytes: return "'\\x' || lower(hex(" + value + "))";
    case TypeKind::list: return "CAST(to_json(" + value + ") AS VARCHAR)";
    default: return "CAST(" + value + " AS VARCHAR)";
  }
}

/// Members in the order of their names, at every level.
Json with_sorted_members(const Json& json) {
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json.as_array()) out.push(with_sorted_members(item));
    return out;
  }
  if (!json.is_object()) return json;
  Json::Object members;
  for (const auto& [name, value] : json.as_object()) {
    members.emplace_back(name, with_sorted_members(value));
  }
  std::sort(members.begin(), members.end(),
            [](const Json::Member& a, const Json::Member& b) { return a.first < b.first; });
  return Json(std::move(members));
}

/// What is no JSON that weir keeps (an integer of 30 digits, say) stays as it is.
void settle_json(const std::vector<const Column*>& columns, TextRow& row) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const TypeKind kind = columns[i]->type.kind;
    if (!row[i] || (kind != TypeKind::json && kind != TypeKind::list)) continue;
    if (const auto json = Json::parse(*row[i])) row[i] = with_sorted_members(*json).to_string();
  }
}

Result<void> stage(const TextRows& rows, duckdb::Connection& connection) {
  std::string columns = "weir_row BIGINT";
  for (size_t i = 0; i < rows.columns.size(); ++i) columns += fmt::format(", c{} VARCHAR", i);
  WEIR_TRY(
      connection.run(fmt::format("CREATE OR REPLACE TEMP TABLE {} ({})", staged_table, columns)));
  const auto appender = WEIR_TRY(connection.appender("temp", "", staged_table));
  std::vector<duckdb::Parameter> values;
  for (size_t i = 0; i < rows.rows.size(); ++i) {
    values = {static_cast<int64_t>(i)};
    for (const auto& cell : rows.rows[i]) {
      values.push_back(cell ? duckdb::Parameter(*cell) : duckdb::Parameter());
    }
    WEIR_TRY(appender->row(values));
  }
  return appender->close();
}

/// Values that have the type's spelling and are no values all the same (an element of a list).
Result<void> check_values(const TextRows& rows, duckdb::Connection& connection,
                          duckdb::Database& database) {
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    const std::string staged = fmt::format("c{}", i);
    const std::string value = WEIR_TRY(typed(*rows.columns[i], staged, database));
    const auto misfit = WEIR_TRY(connection.run(
        fmt::format("SELECT weir_row FROM {} WHERE {} IS NOT NULL AND {} IS NULL LIMIT 1",
                    staged_table, staged, value)));
    if (misfit.size() == 0) continue;
    const auto row = static_cast<size_t>(misfit.int64(0, 0));
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' does not fit {} (column '{}')", *rows.rows[row][i],
                            rows.columns[i]->type.to_string(), rows.columns[i]->name),
                "docs/reference/types.md lists the spellings of each type", rows.places[row]);
  }
  return {};
}

Result<std::vector<TextRow>> read_all(duckdb::Connection& connection, const std::string& select,
                                      const std::vector<const Column*>& columns) {
  std::vector<TextRow> out;
  bool too_many = false;
  const duckdb::RowSink sink{nullptr, [&](const TextRow& cells) {
                               too_many = out.size() == most_rows;
                               if (too_many) return false;
                               out.push_back(cells);
                               settle_json(columns, out.back());
                               return true;
                             }};
  WEIR_TRY(connection.stream(select, sink));
  if (too_many) {
    return fail(ErrorCode::invalid_input, fmt::format("the table has more than {} rows", most_rows),
                "give the test fewer rows");
  }
  return out;
}

Result<void> check_keys(const TextRows& rows, const Table& table, duckdb::Connection& connection) {
  std::string keys;
  for (const std::string& name : table.key) {
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      if (rows.columns[i]->name == name) keys += fmt::format("{}c{}", keys.empty() ? "" : ", ", i);
    }
  }
  if (keys.empty()) return {};
  const auto doubled = WEIR_TRY(connection.run(
      fmt::format("SELECT max(weir_row) FROM {} GROUP BY {} HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
                  staged_table, keys)));
  if (doubled.size() == 0) return {};
  return fail(ErrorCode::invalid_input,
              "two rows given to table '" + table.name.value() + "' have the same key",
              "leave one out", rows.places[static_cast<size_t>(doubled.int64(0, 0))]);
}

}  // namespace

Result<TextRows> text_rows(const CaseRows& rows, const Table& table,
                           const std::filesystem::path& root) {
  if (!rows.file) return written_rows(rows, table);
  return read_fixture_file(*rows.file, table, root);
}

Result<void> insert_rows(const TextRows& rows, const Table& table, duckdb::Database& database) {
  if (rows.rows.empty()) return {};
  const auto connection = WEIR_TRY(database.connect());
  WEIR_TRY(stage(rows, *connection));
  WEIR_TRY(check_values(rows, *connection, database));
  WEIR_TRY(check_keys(rows, table, *connection));
  std::string names, values;
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    const std::string comma = names.empty() ? "" : ", ";
    names += comma + quote_identifier(rows.columns[i]->name);
    values += comma + WEIR_TRY(typed(*rows.columns[i], fmt::format("c{}", i), database));
  }
  WEIR_TRY(connection->run(fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY weir_row",
                                       pipeline::target_name(table), names, values, staged_table)));
  return {};
}

Result<std::vector<TextRow>> settled_rows(const TextRows& rows, duckdb::Database& database) {
  if (rows.rows.empty() || rows.columns.empty()) return std::vector<TextRow>(rows.rows.size());
  const auto connection = WEIR_TRY(database.connect());
  WEIR_TRY(stage(rows, *connection));
  WEIR_TRY(check_values(rows, *connection, database));
  std::string select;
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    const std::string value = WEIR_TRY(typed(*rows.columns[i], fmt::format("c{}", i), database));
    select += (select.empty() ? "" : ", ") + spelled(rows.columns[i]->type, value) +
              fmt::format(" AS v{}", i);
  }
  return read_all(*connection,
                  fmt::format("SELECT {} FROM {} ORDER BY weir_row", select, staged_table),
                  rows.columns);
}

Result<std::vector<TextRow>> stored_rows(const Table& table,
                                         const std::vector<const Column*>& columns,
                                         const std::string& order_by, duckdb::Database& database) {
  const auto connection = WEIR_TRY(database.connect());
  std::string select;
  for (size_t i = 0; i < columns.size(); ++i) {
    select += (select.empty() ? "" : ", ") +
              spelled(columns[i]->type, "r." + quote_identifier(columns[i]->name)) +
              fmt::format(" AS v{}", i);
  }
  if (select.empty()) select = "NULL";
  return read_all(*connection,
                  fmt::format("SELECT {} FROM {} AS r{}", select, pipeline::target_name(table),
                              order_by.empty() ? "" : " ORDER BY " + order_by),
                  columns);
}

}  // namespace weir::cases
