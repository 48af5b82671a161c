#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/project.h"
#include "model/table.h"

namespace weir::cases {

using TextRow = std::vector<std::optional<std::string>>;  ///< nullopt = NULL

/// Rows of a table as text in the types' spelling. The columns are the table's.
struct TextRows {
  std::vector<const Column*> columns;
  std::vector<TextRow> rows;
  std::vector<Location> places;  ///< of each row
};

/// The rows of a fixture or an expectation, written out or in a file below `root`. Columns that a
/// row does not name are NULL. Errors: not_found, io; invalid_input with file:line.
Result<TextRows> text_rows(const CaseRows& rows, const Table& table,
                           const std::filesystem::path& root);

/// Puts them into the table. Errors: invalid_input (two rows with one key), sql.
Result<void> insert_rows(const TextRows& rows, const Table& table, duckdb::Database& database);

/// The same rows as the database spells them after they had their columns' types; JSON with its
/// members in order. What is equal is spelled alike.
Result<std::vector<TextRow>> settled_rows(const TextRows& rows, duckdb::Database& database);

/// A table's rows, spelled alike. `order_by`: SQL.
Result<std::vector<TextRow>> stored_rows(const Table& table,
                                         const std::vector<const Column*>& columns,
                                         const std::string& order_by, duckdb::Database& database);

}  // namespace weir::cases
