#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "duckdb/database.h"
#include "pipeline/table_catalog.h"
#include "pipeline/table_rows.h"
#include "server/connection.h"

namespace weir::pipeline {

/// The rows of a table on a server. What is asked of several rows the server counts; what is asked
/// of each single one is judged by DuckDB, as in a load: the rows come as text, slice by slice,
/// into a temporary table of the workshop.
class ServerRows final : public TableRows {
 public:
  /// All must outlive it. `found` is what the catalog has of the table.
  static Result<std::unique_ptr<ServerRows>> make(server::Connection& server,
                                                  duckdb::Database& workshop,
                                                  const TableCatalog& catalog, const Table& table,
                                                  FoundTable found);

  Result<uint64_t> count() override;
  Result<std::vector<RowCount>> test(std::span<const RowTest> tests) override;
  Result<RowCount> repeated(const std::vector<std::string>& columns) override;
  Result<RowCount> orphans(const std::string& column, const Table& parent,
                           const std::string& parent_column, const std::string& example) override;
  bool can_compute(const std::string& expression) override;
  Result<TypeChange> change_type(const std::string& column, const DataType& wanted,
                                 const std::string& type) override;
  std::optional<std::string> misfit(const Column& column) override;

 private:
  /// A column that both the table and the dictionary have.
  struct Shared {
    Column column;
    const FoundColumn* found = nullptr;
  };

  ServerRows(server::Connection& server, duckdb::Database& workshop, const TableCatalog& catalog,
             const Table& table, FoundTable found)
      : server_(server),
        workshop_(workshop),
        catalog_(catalog),
        table_(table),
        found_(std::move(found)) {}

  Result<void> prepare();
  const Shared* find_shared(const std::string& name) const;
  std::optional<std::string> wanted_value(const Shared& shared, std::string_view row) const;
  Result<uint64_t> number(const std::string& select);
  /// Calls `full` with each slice of the rows that meet `where`, a condition of the server's.
  Result<void> slices(const std::string& where, const std::function<Result<void>()>& full);

  server::Connection& server_;
  duckdb::Database& workshop_;
  const TableCatalog& catalog_;
  const Table& table_;
  const FoundTable found_;
  std::unique_ptr<duckdb::Connection> connection_;  // of the workshop
  std::vector<Shared> columns_;
  std::string relation_;  // view `wanted`
};

}  // namespace weir::pipeline
