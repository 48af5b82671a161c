#pragma once

#include "duckdb/connection.h"
#include "pipeline/table_catalog.h"

namespace weir::pipeline {

/// The tables of a DuckDB file.
class DuckdbCatalog final : public TableCatalog {
 public:
  /// `connection` must outlive it.
  explicit DuckdbCatalog(duckdb::Connection& connection) : connection_(connection) {}

  Result<FoundTable> find(const Table& table) override;
  Result<std::vector<server::TableGuard>> guards(const Table& table) override;
  /// No: weir is the only one that writes there.
  bool keeps_keys() const override { return false; }
  std::string quote_identifier(std::string_view name) const override;
  std::string target(const Table& table) const override;
  Result<std::string> type_sql(const Table& table, const Column& column) const override;
  Result<std::vector<std::string>> creation_ddl(const Table& table) const override;

 private:
  Result<bool> is_listed(const Table& table, const char* list, const char* noun);

  duckdb::Connection& connection_;
};

}  // namespace weir::pipeline
