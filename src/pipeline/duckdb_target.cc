#include "pipeline/duckdb_target.h"

#include <fmt/format.h>

#include "pipeline/set_rules.h"

namespace weir::pipeline {

Result<server::Rows> DuckdbTarget::run(const std::string& sql) {
  const duckdb::Rows found = WEIR_TRY(connection_.run(sql));
  server::Rows rows;
  rows.changed = static_cast<uint64_t>(found.changed());
  for (size_t column = 0; column < found.column_count(); ++column) {
    rows.columns.push_back(found.column_name(column));
  }
  for (size_t row = 0; row < found.size(); ++row) {
    std::vector<Cell>& cells = rows.rows.emplace_back();
    for (size_t column = 0; column < rows.columns.size(); ++column) {
      cells.push_back(found.is_null(row, column) ? Cell() : Cell(found.text(row, column)));
    }
  }
  return rows;
}

Result<void> DuckdbTarget::stream(const std::string& select,
                                  const std::function<bool(std::span<const Cell>)>& row) {
  return connection_.stream(select, {nullptr, [&](const auto& cells) { return row(cells); }});
}

Result<std::string> DuckdbTarget::lend(const std::string& /*name*/, const std::string& select,
                                       const std::vector<Column>& /*columns*/,
                                       const std::string& /*like*/) {
  return "(" + select + ")";
}

std::string DuckdbTarget::identifier(std::string_view name) const {
  return duckdb::quote_identifier(name);
}

std::string DuckdbTarget::literal(std::string_view text) const {
  return duckdb::quote_literal(text);
}

std::string DuckdbTarget::table(const Table& table) const { return target_name(table); }

std::string DuckdbTarget::moment(Timestamp at) const {
  return "TIMESTAMPTZ " + literal(format_timestamp(at));
}

std::string DuckdbTarget::moment_text(std::string_view column) const {
  return fmt::format("strftime({} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')", column);
}

std::string DuckdbTarget::update(const std::string& table, const Assignments& assignments,
                                 const std::string& rows, const std::string& condition) const {
  std::string list;
  for (const auto& [column, expression] : assignments) {
    list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", identifier(column), expression);
  }
  return fmt::format("UPDATE {} t SET {} FROM {} u WHERE {}", table, list, rows, condition);
}

}  // namespace weir::pipeline
