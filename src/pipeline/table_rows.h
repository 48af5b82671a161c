#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/table.h"

namespace weir::pipeline {

/// A condition on one row, and how to show a row that meets it: SQL of DuckDB's, whoever has the
/// table, about the row weir_t.
struct RowTest {
  /// How the row's columns come: with the dictionary's types, or as the database has them.
  enum class View { wanted, found };
  View view = View::wanted;
  std::string condition;  ///< BOOLEAN
  std::string example;    ///< VARCHAR
};

struct RowCount {
  uint64_t rows = 0;
  std::string example;  ///< of one of them
};

/// What a change of a column's type would do to its values.
struct TypeChange {
  std::string condition;  ///< as a RowTest's, view `found`: it would not survive. Empty: all do
  std::string ddl;
};

/// The rows of one table, counted where they are. One thread at a time. Errors: those of the
/// database.
class TableRows {
 public:
  virtual ~TableRows() = default;

  virtual Result<uint64_t> count() = 0;
  /// For each test how many rows meet it. Reads the table once, in bounded memory.
  virtual Result<std::vector<RowCount>> test(std::span<const RowTest> tests) = 0;
  /// Rows that share their values in these columns, which are all there, with another one.
  virtual Result<RowCount> repeated(const std::vector<std::string>& columns) = 0;
  /// Rows whose value is not in the parent's column. `example` as a RowTest's, view `found`.
  virtual Result<RowCount> orphans(const std::string& column, const Table& parent,
                                   const std::string& parent_column,
                                   const std::string& example) = 0;
  /// Whether DuckDB can compute the expression over a row of view `wanted`.
  virtual bool can_compute(const std::string& expression) = 0;
  /// When the column becomes of type `wanted`; `type` is how the database spells it. Errors: sql
  /// when a person has to say how, with what to write.
  virtual Result<TypeChange> change_type(const std::string& column, const DataType& wanted,
                                         const std::string& type) = 0;
  /// As a RowTest's condition, view `found`: the dictionary's type does not hold its value. Nullopt
  /// where that cannot be.
  virtual std::optional<std::string> misfit(const Column& column) = 0;
};

/// Adds to `counts` (one per test) what the tests find in a relation of DuckDB's; an example that
/// is there stays. `first`: "ORDER BY …" of the row to be shown, or empty.
Result<void> count_rows(duckdb::Connection& connection, const std::string& relation,
                        std::string_view first, std::span<const RowTest> tests,
                        std::span<RowCount> counts);

}  // namespace weir::pipeline
