#pragma once

#include "pipeline/table_rows.h"

namespace weir::pipeline {

/// The rows of a table in a DuckDB file.
class DuckdbRows final : public TableRows {
 public:
  /// All must outlive it.
  DuckdbRows(duckdb::Database& database, duckdb::Connection& connection, const Table& table);

  Result<uint64_t> count() override;
  Result<std::vector<RowCount>> test(std::span<const RowTest> tests) override;
  Result<RowCount> repeated(const std::vector<std::string>& columns) override;
  Result<RowCount> orphans(const std::string& column, const Table& parent,
                           const std::string& parent_column, const std::string& example) override;
  bool can_compute(const std::string& expression) override;
  Result<TypeChange> change_type(const std::string& column, const DataType& wanted,
                                 const std::string& type) override;
  std::optional<std::string> misfit(const Column&) override { return std::nullopt; }

 private:
  duckdb::Database& database_;
  duckdb::Connection& connection_;
  const std::string target_;
};

}  // namespace weir::pipeline
